//! The checksum over a whole upload that a client may give with its list of parts. It is proved from the checksums of the parts, which
//! were verified when they arrived: no byte is read again.

use crc_fast::CrcAlgorithm;
use http::StatusCode;
use sha1::Digest as _;
use terrace_store::name::PartNumber;
use terrace_store::object::{Algorithm, Checksum};
use terrace_store::ops::multipart::{CompletedPart, ListedPart, UploadRef};
use terrace_store::{Error, Refusal};

use crate::s3::Service;
use crate::s3::error::{Result, protocol};
use crate::s3::translate::checksum;

/// How a checksum over parts is made (S3 user guide, "Checking object integrity").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Over all bytes.
    FullObject,
    /// Over the checksums of the parts.
    Composite,
}

impl Kind {
    /// How it is made where the client does not say.
    pub(super) fn default_of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc64Nvme => Self::FullObject,
            Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Sha1 | Algorithm::Sha256 => Self::Composite,
        }
    }

    /// Its name in headers and XML.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// A checksum over the whole, as a client gives it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) checksum: Checksum,
    pub(super) kind: Kind,
}

impl Whole {
    /// Reads a header; `<base64>-<parts>` is composite whatever else is said.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub(super) fn parse(algorithm: Algorithm, value: &str, kind: Option<&str>) -> Result<Self> {
        let (value, composite) = match value.split_once('-') {
            Some((value, _)) => (value, true),
            None => (value, false),
        };
        let kind = match kind {
            _ if composite => Kind::Composite,
            None => Kind::default_of(algorithm),
            Some("COMPOSITE") => Kind::Composite,
            Some("FULL_OBJECT") => Kind::FullObject,
            Some(_) => {
                return Err(
                    Refusal::InvalidRequest("Value for x-amz-checksum-type header is invalid.").into()
                );
            }
        };
        Ok(Self { checksum: checksum::parse(algorithm, value)?, kind })
    }

    /// Proves the checksum over the listed parts. A part that is not what the list says is for the completion itself to refuse.
    ///
    /// # Errors
    /// `BadDigest`; `InvalidRequest` when a part came without a checksum of the kind.
    pub(super) async fn prove(
        &self,
        service: &Service,
        upload: &UploadRef,
        listed: &[CompletedPart],
    ) -> Result<()> {
        let parts = match uploaded(service, upload).await {
            Ok(parts) => parts,
            // A repeated completion: its first success was proved.
            Err(Error::Refused(Refusal::NoSuchUpload)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut chosen = Vec::with_capacity(listed.len());
        for part in listed {
            let Ok(at) = parts.binary_search_by_key(&part.number, |stored| stored.number) else {
                return Ok(());
            };
            let Some(stored) = parts.get(at).filter(|stored| stored.etag.matches(&part.etag)) else {
                return Ok(());
            };
            match &stored.checksum {
                Some(value) if value.algorithm == self.checksum.algorithm => {
                    chosen.push((value.value.as_ref(), stored.size));
                }
                _ => {
                    let without =
                        "A part was uploaded without the checksum that the complete request asks for";
                    return Err(Refusal::InvalidRequest(without).into());
                }
            }
        }
        let computed = match self.kind {
            Kind::FullObject => combined(self.checksum.algorithm, &chosen)?,
            Kind::Composite => composite(self.checksum.algorithm, &chosen),
        };
        if computed == self.checksum.value {
            return Ok(());
        }
        let message = "The checksum you specified did not match the checksum of the parts.";
        Err(protocol("BadDigest", StatusCode::BAD_REQUEST, message).into())
    }
}

async fn uploaded(service: &Service, upload: &UploadRef) -> std::result::Result<Vec<ListedPart>, Error> {
    const PAGE: usize = 1_000;
    let mut parts: Vec<ListedPart> = Vec::new();
    loop {
        let after = parts.last().map_or(0, |part| PartNumber::get(part.number));
        let page = service.store.list_parts(upload, after, PAGE).await?;
        let more = page.more && !page.parts.is_empty();
        parts.extend(page.parts);
        if !more {
            return Ok(parts);
        }
    }
}

/// The CRC over all bytes, from the CRCs and lengths of the parts.
fn combined(algorithm: Algorithm, parts: &[(&[u8], u64)]) -> std::result::Result<Vec<u8>, Refusal> {
    let crc = crc_of(algorithm)
        .ok_or(Refusal::InvalidRequest("The FULL_OBJECT checksum type cannot be used with SHA checksums."))?;
    let whole = parts.iter().fold(None, |whole: Option<u64>, (value, size)| {
        let part = value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Some(whole.map_or(part, |whole| crc_fast::checksum_combine(crc, whole, part, *size)))
    });
    Ok(big_endian(algorithm, whole.unwrap_or_default()))
}

/// The checksum over the checksums of the parts.
fn composite(algorithm: Algorithm, parts: &[(&[u8], u64)]) -> Vec<u8> {
    let values: Vec<u8> = parts.iter().flat_map(|(value, _)| value.iter().copied()).collect();
    match (crc_of(algorithm), algorithm) {
        (Some(crc), _) => big_endian(algorithm, crc_fast::checksum(crc, &values)),
        (None, Algorithm::Sha1) => sha1::Sha1::digest(&values).to_vec(),
        (None, _) => sha2::Sha256::digest(&values).to_vec(),
    }
}

fn crc_of(algorithm: Algorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        Algorithm::Sha1 | Algorithm::Sha256 => None,
    }
}

fn big_endian(algorithm: Algorithm, number: u64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip(8 - algorithm.width().min(8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, body: &[u8]) -> Vec<u8> {
        composite(algorithm, &[(body, 0)])
    }

    #[test]
    fn a_crc_over_the_whole_follows_from_those_of_the_parts() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let (one, two, three) = (of(algorithm, b"12"), of(algorithm, b""), of(algorithm, b"3456789"));
            let parts = [(&one[..], 2), (&two[..], 0), (&three[..], 7)];
            assert_eq!(combined(algorithm, &parts).unwrap(), of(algorithm, b"123456789"));
        }
        // The check values of the catalogue of parametrised CRC algorithms.
        assert_eq!(of(Algorithm::Crc32, b"123456789"), 0xCBF4_3926_u32.to_be_bytes());
        assert_eq!(of(Algorithm::Crc32c, b"123456789"), 0xE306_9283_u32.to_be_bytes());
        assert_eq!(of(Algorithm::Crc64Nvme, b"123456789"), 0xAE8B_1486_0A79_9888_u64.to_be_bytes());
        assert!(combined(Algorithm::Sha256, &[]).is_err());
    }

    #[test]
    fn the_kind_is_said_shown_or_the_default_of_its_algorithm() {
        let crc = "AAAAAQ==";
        let kind =
            |algorithm, value: &str, kind| Whole::parse(algorithm, value, kind).map(|whole| whole.kind).ok();
        assert_eq!(kind(Algorithm::Crc32, crc, None), Some(Kind::Composite));
        assert_eq!(kind(Algorithm::Crc32, crc, Some("FULL_OBJECT")), Some(Kind::FullObject));
        assert_eq!(kind(Algorithm::Crc32, "AAAAAQ==-3", Some("FULL_OBJECT")), Some(Kind::Composite));
        assert_eq!(kind(Algorithm::Crc64Nvme, "AAAAAAAAAAE=", None), Some(Kind::FullObject));
        assert_eq!(kind(Algorithm::Crc32, crc, Some("OTHER")), None);
        assert_eq!(kind(Algorithm::Crc32, "AAAA", None), None);
    }
}
