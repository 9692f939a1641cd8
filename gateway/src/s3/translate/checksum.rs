//! Checksums: names, headers, base64.

use http::{HeaderMap, HeaderName, HeaderValue};
use terrace_store::Refusal;
use terrace_store::object::{Algorithm, Checksum, ChecksumChoice, ChecksumType, ObjectChecksum};

use super::xml::Document;
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

/// The name of a type in headers and XML.
pub(crate) fn type_name(kind: ChecksumType) -> &'static str {
    match kind {
        ChecksumType::FullObject => "FULL_OBJECT",
        ChecksumType::Composite => "COMPOSITE",
    }
}

/// The type of `x-amz-checksum-type`; an empty one says nothing.
///
/// # Errors
/// `InvalidRequest`, in the words of S3.
pub(crate) fn parse_type(name: &str) -> Result<Option<ChecksumType>, Refusal> {
    match name {
        "" => Ok(None),
        _ if name.eq_ignore_ascii_case("FULL_OBJECT") => Ok(Some(ChecksumType::FullObject)),
        _ if name.eq_ignore_ascii_case("COMPOSITE") => Ok(Some(ChecksumType::Composite)),
        _ => Err(Refusal::InvalidRequest("Value for x-amz-checksum-type header is invalid.")),
    }
}

/// What an upload is to have that names these.
///
/// # Errors
/// `InvalidRequest` for what S3 has not: a type alone, a SHA over all bytes, a composite CRC-64/NVME.
pub(crate) fn choice(
    algorithm: Option<Algorithm>,
    kind: Option<ChecksumType>,
) -> Result<Option<ChecksumChoice>, Refusal> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(Refusal::InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let default = ChecksumChoice::default_of(algorithm);
    let choice = ChecksumChoice { algorithm, kind: kind.unwrap_or(default.kind) };
    match (choice.is_possible(), choice.kind) {
        (true, _) => Ok(Some(choice)),
        (false, ChecksumType::FullObject) => Err(Refusal::InvalidRequest(
            "The FULL_OBJECT checksum type cannot be used with a sha checksum algorithm.",
        )),
        (false, ChecksumType::Composite) => Err(Refusal::InvalidRequest(
            "The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.",
        )),
    }
}

/// The elements that say what an upload is to have.
pub(crate) fn show_choice(document: &mut Document, choice: ChecksumChoice) {
    document.plain("ChecksumAlgorithm", name(choice.algorithm).as_bytes());
    document.plain("ChecksumType", type_name(choice.kind).as_bytes());
}

/// The value of the checksum of an object as headers and answers show it: `<base64>`, or `<base64>-<parts>`.
pub(crate) fn value(sum: &ObjectChecksum) -> String {
    let mut value = checksum::to_base64(&sum.checksum);
    if let Some(parts) = sum.composite_of {
        value.push('-');
        value.push_str(&parts.to_string());
    }
    value
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

/// Adds the header of a checksum.
pub(crate) fn show_value(headers: &mut HeaderMap, sum: Option<&ObjectChecksum>) {
    if let Some(sum) = sum
        && let Ok(value) = HeaderValue::try_from(value(sum))
    {
        headers.insert(header(sum.checksum.algorithm), value);
    }
}

/// Adds the headers of the checksum of an object: its value and its type.
pub(crate) fn show(headers: &mut HeaderMap, sum: Option<&ObjectChecksum>) {
    show_value(headers, sum);
    if let Some(sum) = sum {
        headers.insert(TYPE, HeaderValue::from_static(type_name(sum.kind())));
    }
}

/// Fills the one of an output's five fields that a checksum belongs to.
macro_rules! fill {
    ($output:expr, $sum:expr) => {{
        use terrace_store::object::Algorithm;
        let value = Some($crate::s3::translate::checksum::value($sum));
        match $sum.checksum.algorithm {
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
        show(&mut headers, Some(&crc.clone().into()));
        assert_eq!(headers["x-amz-checksum-crc32"], "AAAAAQ==");
        assert_eq!(headers[TYPE], "FULL_OBJECT");
        show(&mut headers, Some(&ObjectChecksum { checksum: crc, composite_of: Some(12) }));
        assert_eq!(headers["x-amz-checksum-crc32"], "AAAAAQ==-12");
        assert_eq!(headers[TYPE], "COMPOSITE");
    }

    #[test]
    fn an_upload_has_the_type_that_s3_gives_it_or_is_refused() {
        use ChecksumType::{Composite, FullObject};
        let of = |algorithm, kind| choice(Some(algorithm), kind).ok().flatten().map(|choice| choice.kind);
        for sha in [Algorithm::Sha1, Algorithm::Sha256] {
            assert_eq!(
                [None, Some(Composite), Some(FullObject)].map(|kind| of(sha, kind)),
                [Some(Composite), Some(Composite), None]
            );
        }
        for crc in [Algorithm::Crc32, Algorithm::Crc32c] {
            assert_eq!(
                [None, Some(FullObject)].map(|kind| of(crc, kind)),
                [Some(Composite), Some(FullObject)]
            );
        }
        let nvme = Algorithm::Crc64Nvme;
        assert_eq!(
            [None, Some(FullObject), Some(Composite)].map(|kind| of(nvme, kind)),
            [Some(FullObject), Some(FullObject), None]
        );
        assert_eq!(choice(None, None), Ok(None));
        assert!(choice(None, Some(FullObject)).is_err() && parse_type("OTHER").is_err());
        assert_eq!((parse_type("composite"), parse_type("")), (Ok(Some(Composite)), Ok(None)));
    }
}
