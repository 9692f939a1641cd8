//! Checksums: names, headers, base64.

use http::{HeaderMap, HeaderName, HeaderValue};
use terrace_store::Refusal;
use terrace_store::object::{Algorithm, Checksum};

use crate::auth::checksum;

/// `x-amz-checksum-type`.
pub(crate) const TYPE: HeaderName = HeaderName::from_static("x-amz-checksum-type");

/// The name of an algorithm in headers and XML.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "CRC32",
        Algorithm::Crc32c => "CRC32C",
        Algorithm::Crc64Nvme => "CRC64NVME",
        Algorithm::Sha1 => "SHA1",
        Algorithm::Sha256 => "SHA256",
    }
}

/// The element that holds a value in XML.
pub(crate) fn element(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Crc32 => "ChecksumCRC32",
        Algorithm::Crc32c => "ChecksumCRC32C",
        Algorithm::Crc64Nvme => "ChecksumCRC64NVME",
        Algorithm::Sha1 => "ChecksumSHA1",
        Algorithm::Sha256 => "ChecksumSHA256",
    }
}

/// The header that holds a value.
pub(crate) fn header(algorithm: Algorithm) -> HeaderName {
    HeaderName::from_static(checksum::header(algorithm))
}

/// The algorithm of `x-amz-checksum-algorithm`.
///
/// # Errors
/// `InvalidRequest`, in the words of S3.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, Refusal> {
    checksum::ALL
        .into_iter()
        .find(|algorithm| self::name(*algorithm).eq_ignore_ascii_case(name))
        .ok_or(Refusal::InvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"))
}

/// Reads a value.
///
/// # Errors
/// `InvalidRequest` for what is not base64 of as many bytes as the algorithm has.
pub(crate) fn parse(algorithm: Algorithm, value: &str) -> Result<Checksum, Refusal> {
    checksum::from_base64(algorithm, value.trim().as_bytes())
        .ok_or(Refusal::InvalidRequest("Value for a x-amz-checksum header or element is invalid."))
}

/// Adds the header of a checksum over a whole body.
pub(crate) fn show(headers: &mut HeaderMap, checksum: Option<&Checksum>) {
    if let Some(checksum) = checksum
        && let Ok(value) = HeaderValue::try_from(checksum::to_base64(checksum))
    {
        headers.insert(header(checksum.algorithm), value);
        headers.insert(TYPE, HeaderValue::from_static("FULL_OBJECT"));
    }
}

/// Fills the one of an output's five fields that a checksum belongs to.
macro_rules! fill {
    ($output:expr, $checksum:expr) => {{
        use terrace_store::object::Algorithm;
        let value = Some($crate::auth::checksum::to_base64($checksum));
        match $checksum.algorithm {
            Algorithm::Crc32 => $output.checksum_crc32 = value,
            Algorithm::Crc32c => $output.checksum_crc32c = value,
            Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
            Algorithm::Sha1 => $output.checksum_sha1 = value,
            Algorithm::Sha256 => $output.checksum_sha256 = value,
        }
    }};
}
pub(crate) use fill;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_in_any_case_and_others_are_refused() {
        for one in checksum::ALL {
            assert_eq!(algorithm(name(one)), Ok(one));
            assert_eq!(algorithm(&name(one).to_lowercase()), Ok(one));
            assert_eq!(element(one), format!("Checksum{}", name(one)));
            assert_eq!(header(one).as_str(), format!("x-amz-checksum-{}", name(one).to_lowercase()));
        }
        assert!(matches!(algorithm("MD5"), Err(Refusal::InvalidRequest(_))));
    }

    #[test]
    fn a_value_has_the_width_of_its_algorithm() {
        let crc = parse(Algorithm::Crc32, "AAAAAQ==").unwrap();
        assert_eq!((&crc.value[..], checksum::to_base64(&crc).as_str()), (&[0, 0, 0, 1][..], "AAAAAQ=="));
        for bad in ["", "AAAA", "AAAAAQ", "no base64"] {
            assert!(parse(Algorithm::Crc32, bad).is_err(), "{bad}");
        }
        let mut headers = HeaderMap::new();
        show(&mut headers, Some(&crc));
        assert_eq!(headers["x-amz-checksum-crc32"], "AAAAAQ==");
        assert_eq!(headers[TYPE], "FULL_OBJECT");
    }
}
