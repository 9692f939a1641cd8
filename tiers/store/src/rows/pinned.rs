//! The bytes on disk of layout version 1. A change here is a new layout version, or a new version byte that decodes the old one.

use bytes::Bytes;

use crate::name::{BucketId, BucketName, Node, ObjectKey, PartNumber, Revision, UploadId};
use crate::object::{
    Algorithm, Checksum, ChecksumChoice, ChecksumType, Metadata, ObjectChecksum, StandardHeader,
};
use crate::rows::{
    bucket, counter, extension, finished, garbage, head, inline, manifest, object, part, singleton, ticket,
    upload,
};

const BID: BucketId = BucketId(0x0102);
const REV: Revision = Revision(*b"0123456789abcdef");
const UPLOAD: UploadId = UploadId(Revision(*b"fedcba9876543210"));
const MS: u64 = 1_790_000_000_000;

fn object_key() -> ObjectKey {
    ObjectKey::new("a\0b").unwrap()
}

fn checksum() -> Option<Checksum> {
    Some(Checksum { algorithm: Algorithm::Crc32c, value: Bytes::from_static(b"sum!") })
}

fn metadata() -> Metadata {
    Metadata {
        content_type: Some("text/plain".to_owned()),
        headers: vec![(StandardHeader::CacheControl, "no-store".to_owned())],
        user: vec![("mtime".to_owned(), "1".to_owned())],
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[test]
fn keys_have_the_layout_of_version_1() {
    let number = PartNumber::new(300).unwrap();
    let keys = [
        bucket::key(&BucketName::new("abc").unwrap()),
        counter::key(BID, counter::Field::UploadBytes),
        extension::key(BID, &object_key(), 1),
        finished::key(UPLOAD),
        garbage::stamped(garbage::Class::Day, 5).0,
        inline::key(REV, 3),
        manifest::key(REV, 9),
        object::key(BID, &object_key()),
        part::key(UPLOAD, number),
        singleton::deployment(),
        ticket::key(Node(*b"nodenode"), REV),
        upload::key(BID, &object_key(), UPLOAD),
    ];
    let pinned = [
        r"Babc",
        r"C\x00\x00\x00\x00\x00\x00\x01\x02\x02\x00",
        r"E\x00\x00\x00\x00\x00\x00\x01\x02a\x00\xffb\x00\x01\xff\xff\xff\xff\xff\xff\xff\xfe",
        r"Wfedcba9876543210",
        r"G\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05",
        r"Df0123456789abcdef\x03",
        r"Qf0123456789abcdef\x00\t",
        r"O\x00\x00\x00\x00\x00\x00\x01\x02a\x00b",
        r"P0fedcba9876543210\x01,",
        r"Sdeployment",
        r"Tnodenode0123456789abcdef",
        r"U\x00\x00\x00\x00\x00\x00\x01\x02a\x00\xffb\x00\x01fedcba9876543210",
    ];
    assert_eq!(keys.map(|bytes| shown(&bytes)), pinned);
}

#[test]
fn values_have_the_layout_of_version_1() {
    let head = head::Head {
        rev: REV,
        vseq: 300,
        body: head::BodyAt::Blob { origin: Some((BID, object_key())) },
        body_rev: UPLOAD.0,
        size: 70_000,
        modified_ms: MS,
        parts: 2,
        storage_class: Some("COLD".to_owned()),
        checksum: checksum().map(|checksum| ObjectChecksum { checksum, composite_of: Some(2) }),
        md5: None,
        metadata: Some(metadata()),
    };
    let waste = garbage::Waste::Manifest { bid: BID, key: object_key(), rev: REV };
    let reason = garbage::Reason::Expired;
    let at = part::PartAt::Blob;
    let completed = finished::Completed {
        bid: BID,
        key: object_key(),
        rev: REV,
        parts: 2,
        size: 9,
        modified_ms: MS,
        parts_hash: [b'h'; 32],
        checksum: None,
        md5: None,
    };
    let entry =
        manifest::Entry { rev: REV, end_offset: 500, at, checksum: Some(Bytes::from_static(b"sum!")) };
    let values = [
        head.encode(),
        bucket::BucketRow { bid: BID, created_ms: MS, owner: "me".to_owned() }.encode(),
        extension::encode(&metadata()),
        finished::Finished::Completed(completed).encode(),
        garbage::Garbage { what: waste, size: 7, reason, not_before_ms: MS }.encode(),
        manifest::Page { begin: 200, algorithm: Some(Algorithm::Crc32c), entries: vec![entry] }.encode(),
        part::PartRow { rev: REV, size: 200, modified_ms: MS, checksum: checksum(), md5: None, at }.encode(),
        ticket::Ticket {
            state: ticket::State::Committed,
            kind: ticket::Kind::Part,
            bid: BID,
            key: Bytes::from_static(b"k"),
            created_ms: MS,
        }
        .encode(),
        upload::UploadDoc {
            initiated_ms: MS,
            metadata: metadata(),
            storage_class: Some("COLD".to_owned()),
            checksum: Some(ChecksumChoice::default_of(Algorithm::Crc32c)),
        }
        .encode(),
    ];
    let pinned = [
        r"\x01\x00\xfa0123456789abcdef\xac\x02fedcba9876543210\xf0\xa2\x04\x80\xd8\xc1\xa2\x8c4\x02\x04COLD\x02sum!\x82\x02\x03a\x00b\x06\x01\x01\x08no-store\x01\x05mtime\x011",
        r"\x01\x82\x02\x80\xd8\xc1\xa2\x8c4\x02me",
        r"\x01\x06\x01\x01\x08no-store\x01\x05mtime\x011",
        r"\x01\x00\x82\x02\x03a\x00b0123456789abcdef\x02\t\x80\xd8\xc1\xa2\x8c4hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh\x00\x00",
        r"\x01\x02\x82\x02\x03a\x00b0123456789abcdef\x07\x05\x80\xd8\xc1\xa2\x8c4",
        r"\x01\x02\xc8\x01\x01\x820123456789abcdef\xf4\x03sum!",
        r"\x010123456789abcdef\x02\xc8\x01\x80\xd8\xc1\xa2\x8c4\x01\x02sum!",
        r"\x01\x01\x01\x82\x02\x01k\x80\xd8\xc1\xa2\x8c4",
        r"\x01\x80\xd8\xc1\xa2\x8c4\x01\x04COLD\x02\x06\x01\x01\x08no-store\x01\x05mtime\x011",
    ];
    assert_eq!(values.map(|bytes| shown(&bytes)), pinned);
}

#[test]
fn md5s_and_checksums_over_all_bytes_are_flags_that_layout_1_left_free() {
    let md5 = Some(*b"0123456789abcde!");
    let head = head::Head {
        rev: REV,
        vseq: 1,
        body: head::BodyAt::Manifest,
        body_rev: REV,
        size: 7,
        modified_ms: MS,
        parts: 2,
        storage_class: None,
        checksum: checksum().map(ObjectChecksum::from),
        md5,
        metadata: None,
    };
    let completed = finished::Completed {
        bid: BID,
        key: object_key(),
        rev: REV,
        parts: 2,
        size: 9,
        modified_ms: MS,
        parts_hash: [b'h'; 32],
        checksum: checksum().map(|checksum| ObjectChecksum { checksum, composite_of: Some(2) }),
        md5,
    };
    let at = part::PartAt::Inline;
    let full = ChecksumChoice { algorithm: Algorithm::Crc32c, kind: ChecksumType::FullObject };
    let values = [
        head.encode(),
        finished::Finished::Completed(completed).encode(),
        part::PartRow { rev: REV, size: 200, modified_ms: MS, checksum: None, md5, at }.encode(),
        upload::UploadDoc {
            initiated_ms: MS,
            metadata: metadata(),
            storage_class: None,
            checksum: Some(full),
        }
        .encode(),
    ];
    let pinned = [
        r"\x01\x03C0123456789abcdef\x01\x07\x80\xd8\xc1\xa2\x8c4\x02\x02sum!0123456789abcde!",
        r"\x01\x00\x82\x02\x03a\x00b0123456789abcdef\x02\t\x80\xd8\xc1\xa2\x8c4hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh\x01\x02sum!\x030123456789abcde!",
        r"\x010123456789abcdef\x81\xc8\x01\x80\xd8\xc1\xa2\x8c4\x000123456789abcde!",
        r"\x01\x80\xd8\xc1\xa2\x8c4\x00\x82\x06\x01\x01\x08no-store\x01\x05mtime\x011",
    ];
    assert_eq!(values.map(|bytes| shown(&bytes)), pinned);
}
