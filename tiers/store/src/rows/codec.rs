//! Bytes of keys and values: exactly sized writes, bounded reads.

use bytes::Bytes;
use terrace_high_volume::Key;

use crate::name::{BucketId, ObjectKey, Revision};
use crate::object::{Algorithm, Checksum};
use crate::rows::{Damaged, Family};

const END: [u8; 2] = [0x00, 0x01];

/// A key of `family` from its parts, in one allocation.
pub(super) fn key(family: Family, parts: &[&[u8]]) -> Key {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(family.byte());
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key.into()
}

/// The bucket id that follows the family in a row's key.
pub(super) fn bucket_of(family: Family, key: &Key) -> Option<BucketId> {
    let rest = key.strip_prefix(&[family.byte()])?;
    rest.first_chunk().map(|bid| BucketId(u64::from_be_bytes(*bid)))
}

/// An object key in front of other components (data model, section 1): sorts as the key does, and no key's form begins another's.
/// NUL becomes `00 FF`; `00 01` ends it.
pub(super) fn escaped(key: &[u8]) -> Vec<u8> {
    let mut escaped = escaped_body(key);
    escaped.extend_from_slice(&END);
    escaped
}

/// [`escaped`] without its end: a prefix of the forms of all keys that begin with `key`, and of no others.
pub(super) fn escaped_body(key: &[u8]) -> Vec<u8> {
    let nuls = key.iter().filter(|byte| **byte == 0).count();
    let mut escaped = Vec::with_capacity(key.len() + nuls + END.len());
    for byte in key {
        escaped.push(*byte);
        if *byte == 0 {
            escaped.push(0xFF);
        }
    }
    escaped
}

/// The key in front of `bytes`, and what stands behind its end. Shares `bytes` unless the key holds a NUL.
pub(super) fn unescape(bytes: &Bytes) -> Option<(Bytes, Bytes)> {
    let first = bytes.iter().position(|byte| *byte == 0)?;
    if bytes.get(first + 1) == Some(&END[1]) {
        return Some((bytes.slice(..first), bytes.slice(first + 2..)));
    }
    let mut key = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().enumerate();
    while let Some((_, byte)) = rest.next() {
        if *byte != 0 {
            key.push(*byte);
            continue;
        }
        match rest.next()? {
            (_, 0xFF) => key.push(0),
            (at, 0x01) => return Some((key.into(), bytes.slice(at + 1..))),
            _ => return None,
        }
    }
    None
}

/// Runs `write` twice: once to count, once into a buffer of exactly that size, so that no spare capacity travels with the row.
pub(super) fn exact(write: impl Fn(&mut Writer)) -> Bytes {
    let mut writer = Writer { bytes: Vec::with_capacity(count(&write)), counted: None };
    write(&mut writer);
    writer.bytes.into()
}

/// Bytes that `write` writes.
pub(super) fn count(write: impl Fn(&mut Writer)) -> usize {
    let mut writer = Writer { bytes: Vec::new(), counted: Some(0) };
    write(&mut writer);
    writer.counted.unwrap_or_default()
}

/// Takes the bytes of a value, or only counts them.
pub(super) struct Writer {
    bytes: Vec<u8>,
    counted: Option<usize>,
}

impl Writer {
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        match &mut self.counted {
            Some(counted) => *counted += bytes.len(),
            None => self.bytes.extend_from_slice(bytes),
        }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.raw(&[byte]);
    }

    /// LEB128.
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    /// Length, then bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn revision(&mut self, revision: Revision) {
        self.raw(&revision.0);
    }

    pub(super) fn bucket(&mut self, bucket: BucketId) {
        self.varint(bucket.0);
    }

    pub(super) fn checksum(&mut self, checksum: &Checksum) {
        self.byte(checksum.algorithm as u8);
        self.raw(&checksum.value);
    }

    /// A presence byte, then what `write` writes of the value.
    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// Decodes a whole value: a version byte that must be `version`, what `read` reads, and nothing behind.
pub(super) fn decode<T>(
    family: Family,
    version: u8,
    value: &Bytes,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Damaged> {
    let mut reader = Reader { value, at: 0 };
    let decoded = reader.byte().filter(|found| *found == version).and_then(|_| read(&mut reader));
    decoded.filter(|_| reader.at == value.len()).ok_or(Damaged { family })
}

/// Decodes the first fields of a value and leaves the rest unread.
pub(super) fn decode_front<T>(
    family: Family,
    version: u8,
    value: &Bytes,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Damaged> {
    let mut reader = Reader { value, at: 0 };
    let decoded = reader.byte().filter(|found| *found == version).and_then(|_| read(&mut reader));
    decoded.ok_or(Damaged { family })
}

/// Reads a value from its front. `None` anywhere: damaged.
pub(super) struct Reader<'a> {
    value: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.value.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.raw(N)?.try_into().ok()
    }

    /// The same bytes, shared with the value.
    pub(super) fn shared(&mut self, length: usize) -> Option<Bytes> {
        self.raw(length).map(|bytes| self.value.slice_ref(bytes))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Refuses what [`Writer::varint`] would have written in another way.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A varint that fits `T`.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.varint()?.try_into().ok()
    }

    pub(super) fn bytes(&mut self) -> Option<Bytes> {
        let length = self.small()?;
        self.shared(length)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = self.small()?;
        std::str::from_utf8(self.raw(length)?).ok().map(str::to_owned)
    }

    pub(super) fn revision(&mut self) -> Option<Revision> {
        self.array().map(Revision)
    }

    pub(super) fn bucket(&mut self) -> Option<BucketId> {
        self.varint().map(BucketId)
    }

    pub(super) fn object_key(&mut self) -> Option<ObjectKey> {
        ObjectKey::new(self.bytes()?).ok()
    }

    pub(super) fn checksum(&mut self) -> Option<Checksum> {
        let algorithm = Algorithm::from_code(self.byte()?)?;
        Some(Checksum { algorithm, value: self.shared(algorithm.width())? })
    }

    /// A code, 0 for none.
    pub(super) fn algorithm(&mut self) -> Option<Option<Algorithm>> {
        match self.byte()? {
            0 => Some(None),
            code => Algorithm::from_code(code).map(Some),
        }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    fn read_varint(bytes: &[u8]) -> Option<u64> {
        let value = Bytes::copy_from_slice(bytes);
        let mut reader = Reader { value: &value, at: 0 };
        reader.varint().filter(|_| reader.at == bytes.len())
    }

    #[test]
    fn a_varint_has_one_form() {
        for value in [0, 1, 127, 128, 1 << 14, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(read_varint(&exact(|w| w.varint(value))), Some(value));
        }
        let overlong = [0x80, 0x00];
        let past_64_bits = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02];
        let endless = [0xFF; 11];
        for bad in [&[][..], &[0x80], &overlong, &past_64_bits, &endless] {
            assert_eq!(read_varint(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_shorter_key_sorts_first_even_before_a_nul() {
        assert_eq!(escaped(b"a\0b"), b"a\x00\xFFb\x00\x01");
        assert!(escaped(b"a") < escaped(b"a\0") && escaped(b"a\0") < escaped(b"a\x01"));
        assert_eq!(unescape(&Bytes::from_static(b"a\0\x02")), None);
    }

    #[test]
    fn a_length_beyond_the_value_is_refused() {
        let value = exact(|w| w.varint(u64::MAX));
        assert_eq!(Reader { value: &value, at: 0 }.bytes(), None);
    }

    proptest! {
        #[test]
        fn escaping_keeps_order_and_comes_undone(
            (a, b) in (sample::object_key(), sample::object_key()), tail: Vec<u8>,
        ) {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            prop_assert_eq!(escaped(a).cmp(&escaped(b)), a.cmp(b));
            let row = Bytes::from([escaped(a), tail.clone()].concat());
            prop_assert_eq!(unescape(&row), Some((a.clone(), tail.into())));
        }

        #[test]
        fn varints_round_trip_whatever_their_width(value: u64, shift in 0_u32..64) {
            let value = value >> shift;
            prop_assert_eq!(read_varint(&exact(|w| w.varint(value))), Some(value));
        }
    }
}
