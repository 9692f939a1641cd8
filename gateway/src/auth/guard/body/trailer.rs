//! The trailer of an aws-chunked body: one checksum, and its signature where the chunks are signed.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use terrace_store::object::{Algorithm, Checksum};

use super::super::super::{BodyRefusal, Refusal, checksum};
use super::super::signature::{ChunkSigner, parse_hex32};

/// Bytes of all lines together, inclusive.
const LIMIT: usize = 4096;

/// The checksum that `x-amz-trailer` announces, if the payload form has a trailer.
///
/// # Errors
/// `InvalidRequest` if it announces anything but one checksum.
pub(crate) fn announced_trailer(headers: &HeaderMap) -> Result<Option<Algorithm>, Refusal> {
    const UNSUPPORTED: Refusal =
        Refusal::InvalidRequest("The value specified in the x-amz-trailer header is not supported");
    let Some(value) = headers.get("x-amz-trailer") else { return Ok(None) };
    let name = value.to_str().map_err(|_not_ascii| UNSUPPORTED)?;
    checksum::of_header(name.trim()).map(Some).ok_or(UNSUPPORTED)
}

/// Reads trailer lines until the empty line.
#[derive(Debug, Default)]
pub(crate) struct Trailer {
    announced: Option<Algorithm>,
    found: Option<Checksum>,
    canonical: Vec<u8>,
    signature: Option<[u8; 32]>,
    read: usize,
}

impl Trailer {
    pub(crate) fn new(announced: Option<Algorithm>) -> Self {
        Self { announced, ..Self::default() }
    }

    /// Takes one line without its end. `true` when it was the empty line that ends the trailer. Where a signature is due,
    /// an empty line before it is skipped: AWS documents one there.
    pub(crate) fn take(&mut self, line: &[u8], signed: bool) -> Result<bool, BodyRefusal> {
        self.read += line.len() + 2;
        if self.read > LIMIT {
            return Err(BodyRefusal::MalformedTrailer { what: "The trailer is too long." });
        }
        if line.is_empty() {
            return Ok(!signed || self.signature.is_some());
        }
        let malformed = BodyRefusal::MalformedTrailer { what: "The trailer is malformed." };
        let Some((name, value)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':')) else {
            return Err(malformed);
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            if !signed || self.signature.is_some() {
                return Err(malformed);
            }
            self.signature = Some(parse_hex32(value.as_bytes()).ok_or(malformed)?);
            return Ok(false);
        }
        let algorithm = checksum::of_header(&name);
        if algorithm.is_none()
            || algorithm != self.announced
            || self.found.is_some()
            || self.signature.is_some()
        {
            return Err(BodyRefusal::MalformedTrailer {
                what: "The trailer holds what x-amz-trailer does not announce.",
            });
        }
        self.found = algorithm.and_then(|algorithm| checksum::from_base64(algorithm, value.as_bytes()));
        if self.found.is_none() {
            return Err(BodyRefusal::InvalidRequest {
                what: "Value for the x-amz-checksum- trailer is invalid.",
            });
        }
        for part in [name.as_bytes(), b":", value.as_bytes(), b"\n"] {
            self.canonical.extend_from_slice(part);
        }
        Ok(false)
    }

    /// Verifies the signature, where there is a signer, and answers the checksum.
    pub(crate) fn finish(&self, signer: Option<&mut ChunkSigner>) -> Result<Option<Checksum>, BodyRefusal> {
        if let Some(signer) = signer {
            let hash = Sha256::digest(&self.canonical).into();
            if !self.signature.is_some_and(|signature| signer.accepts_trailer(&hash, &signature)) {
                return Err(BodyRefusal::SignatureMismatch);
            }
        }
        Ok(self.found.clone())
    }
}
