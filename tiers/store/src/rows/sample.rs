//! Values for property tests.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::name::{BucketId, ObjectKey, PartNumber, Revision, UploadId};
use crate::object::{Algorithm, Checksum, Metadata, StandardHeader};
use crate::rows::Damaged;

/// Short keys of few bytes, so that prefixes of one another, NUL and 0xFF are common; now and then a long one.
pub(crate) fn object_key() -> impl Strategy<Value = ObjectKey> {
    let odd = prop::sample::select(vec![0_u8, 1, b'/', b'a', b'b', 0xFE, 0xFF]);
    prop_oneof![9 => vec(odd, 1..8), 1 => vec(any::<u8>(), 1..=ObjectKey::MAX)]
        .prop_map(|bytes| ObjectKey::new(bytes).unwrap())
}

pub(crate) fn bucket() -> impl Strategy<Value = BucketId> {
    any::<u64>().prop_map(BucketId)
}

pub(crate) fn revision() -> impl Strategy<Value = Revision> {
    any::<[u8; 16]>().prop_map(Revision)
}

pub(crate) fn upload() -> impl Strategy<Value = UploadId> {
    revision().prop_map(UploadId)
}

pub(crate) fn part_number() -> impl Strategy<Value = PartNumber> {
    (1_i32..=10_000).prop_map(|number| PartNumber::new(number).unwrap())
}

/// A number of any width.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(value, shift)| value >> shift)
}

pub(crate) fn algorithm() -> impl Strategy<Value = Algorithm> {
    (1_u8..=5).prop_map(|code| Algorithm::from_code(code).unwrap())
}

pub(crate) fn checksum() -> impl Strategy<Value = Checksum> {
    (algorithm(), any::<[u8; 32]>()).prop_map(|(algorithm, bytes)| Checksum {
        algorithm,
        value: Bytes::copy_from_slice(&bytes[..algorithm.width()]),
    })
}

pub(crate) fn metadata() -> impl Strategy<Value = Metadata> {
    let content_type = prop_oneof![Just("text/plain".to_owned()), "[a-z]{1,9}/[a-zé]{0,40}"];
    let header = (1_u8..=7).prop_map(|code| StandardHeader::from_code(code).unwrap());
    let headers = prop::collection::btree_map(header, ".{0,60}", 0..4);
    let user = prop::collection::btree_map("[a-z-]{1,20}", ".{0,90}", 0..4);
    (option::of(content_type), headers, user).prop_map(|(content_type, headers, user)| Metadata {
        content_type,
        headers: headers.into_iter().collect(),
        user: user.into_iter().collect(),
    })
}

/// Every cut, an added byte and every other version byte must be refused; no byte of it may be changed into a panic.
pub(crate) fn assert_guarded<T>(encoded: &Bytes, decode: impl Fn(&Bytes) -> Result<T, Damaged>) {
    let damaged = |bytes: &Bytes| assert!(decode(bytes).is_err(), "{bytes:?}");
    // A long value has long strings; every so many bytes of it are enough.
    let stride = 1 + encoded.len() / 128;
    (0..encoded.len()).step_by(stride).for_each(|length| damaged(&encoded.slice(..length)));
    damaged(&[&encoded[..], &[0]].concat().into());
    for version in [0, encoded[0].wrapping_add(1), 0xFF] {
        damaged(&[&[version], &encoded[1..]].concat().into());
    }
    for at in (0..encoded.len()).step_by(stride) {
        for changed in [0, 0x80, 0xFF, encoded[at].wrapping_add(1)] {
            let mut bytes = encoded.to_vec();
            bytes[at] = changed;
            let _decodes_or_not = decode(&bytes.into());
        }
    }
}
