//! The checksum of a multipart object from those of its parts: no byte is read again.

use bytes::Bytes;

use super::{Hasher, big_endian, crc_of};
use crate::object::{Algorithm, Checksum};

/// The CRC over all bytes from the CRCs and sizes in bytes of the parts, in order; `None` for a SHA, which has no such law.
pub(crate) fn combined<'p>(
    algorithm: Algorithm,
    parts: impl Iterator<Item = (&'p Bytes, u64)>,
) -> Option<Checksum> {
    let crc = crc_of(algorithm)?;
    let number = |value: &Bytes| value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let whole = parts.fold(None, |whole, (value, size)| {
        let part = number(value);
        Some(whole.map_or(part, |whole| crc_fast::checksum_combine(crc, whole, part, size)))
    })?;
    Some(Checksum { algorithm, value: big_endian(algorithm, whole) })
}

/// The checksum over the checksums of the parts, in order.
pub(crate) fn composite<'p>(algorithm: Algorithm, parts: impl Iterator<Item = &'p Bytes>) -> Checksum {
    let mut hasher = Hasher::new(algorithm);
    parts.for_each(|value| hasher.update(value));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::super::KNOWN;
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> Bytes {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish().value
    }

    #[test]
    fn a_crc_over_the_whole_follows_from_those_of_the_parts_and_a_sha_does_not() {
        for (algorithm, known) in KNOWN {
            let parts: Vec<_> = [&b"12"[..], b"", b"3456789"]
                .map(|part| (of(algorithm, part), part.len() as u64))
                .into_iter()
                .collect();
            let whole = combined(algorithm, parts.iter().map(|(value, size)| (value, *size)));
            let expected = algorithm.combines().then(|| known.to_owned());
            assert_eq!(whole.map(|whole| hex::encode(whole.value)), expected);
        }
        assert_eq!(combined(Algorithm::Crc32, std::iter::empty()), None);
    }

    #[test]
    fn a_composite_is_the_checksum_of_the_checksums() {
        for (algorithm, _) in KNOWN {
            let parts = [of(algorithm, b"1"), of(algorithm, b"2")];
            assert_eq!(composite(algorithm, parts.iter()).value, of(algorithm, &parts.concat()));
        }
    }
}
