//! The flexible checksums of S3 (`x-amz-checksum-*`) in headers and trailers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use terrace_store::object::{Algorithm, Checksum};

/// All algorithms that are verified.
pub(crate) const ALL: [Algorithm; 5] =
    [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

/// The header or trailer (lower case) that carries a checksum of this kind.
pub(crate) const fn header(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "x-amz-checksum-crc32",
        Algorithm::Crc32c => "x-amz-checksum-crc32c",
        Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        Algorithm::Sha1 => "x-amz-checksum-sha1",
        Algorithm::Sha256 => "x-amz-checksum-sha256",
    }
}

/// The algorithm of a header or trailer name, in any case.
pub(crate) fn of_header(name: &str) -> Option<Algorithm> {
    ALL.into_iter().find(|algorithm| header(*algorithm).eq_ignore_ascii_case(name))
}

/// A checksum of raw bytes; `None` if their number is not that of the algorithm.
pub(crate) fn new(algorithm: Algorithm, value: &[u8]) -> Option<Checksum> {
    (value.len() == algorithm.width()).then(|| Checksum { algorithm, value: Bytes::copy_from_slice(value) })
}

/// From the base64 of a header or trailer; `None` if it is malformed or of the wrong length.
pub(crate) fn from_base64(algorithm: Algorithm, text: &[u8]) -> Option<Checksum> {
    let mut buffer = [0; 36];
    if text.len() > 48 {
        return None;
    }
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    new(algorithm, buffer.get(..length)?)
}

/// The value of `Content-MD5`; `None` if it is not base64 of 16 bytes.
pub(crate) fn md5_of(value: &HeaderValue) -> Option<[u8; 16]> {
    let mut buffer = [0; 18];
    let text = value.as_bytes().trim_ascii();
    if text.len() != 24 {
        return None;
    }
    let length = STANDARD.decode_slice(text, &mut buffer).ok()?;
    buffer.get(..length)?.try_into().ok()
}

/// The base64 of a value, as headers and XML carry it.
pub(crate) fn to_base64(checksum: &Checksum) -> String {
    STANDARD.encode(&checksum.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_survives_base64() {
        let sum = new(Algorithm::Crc64Nvme, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
        assert_eq!(from_base64(Algorithm::Crc64Nvme, to_base64(&sum).as_bytes()), Some(sum.clone()));
        assert_eq!(*sum.value, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_malformed_or_misfit_value_is_none() {
        for text in ["", "AAAA", "AAAAAA=", "AAAAAAA=", "!!!!!!==", "AAAAAA==AAAAAA==", &"A".repeat(400)] {
            assert_eq!(from_base64(Algorithm::Crc32, text.as_bytes()), None, "{text}");
        }
        assert!(from_base64(Algorithm::Crc32, b"AAAAAA==").is_some());
    }

    #[test]
    fn names_are_matched_in_any_case_and_whole() {
        assert_eq!(of_header("X-Amz-Checksum-CRC32C"), Some(Algorithm::Crc32c));
        assert_eq!(of_header("x-amz-checksum-crc"), None);
        assert_eq!(of_header("x-amz-checksum-type"), None);
    }
}
