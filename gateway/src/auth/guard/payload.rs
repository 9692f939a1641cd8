//! How the body is signed and framed, as `x-amz-content-sha256` says. `Content-Encoding` does not decide: restic and kopia
//! send chunked bodies without it.

use super::super::Refusal;
use super::signature::parse_hex32;

/// The payload forms of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The body as it is, with this SHA-256.
    Hashed([u8; 32]),
    /// The body as it is.
    Unsigned,
    /// aws-chunked, each chunk signed; with a signed trailer or without one.
    SignedChunks { trailer: bool },
    /// aws-chunked, not signed, with a trailer.
    UnsignedChunks,
}

impl Payload {
    /// Reads the value of `x-amz-content-sha256`.
    ///
    /// # Errors
    /// `NotImplemented` for ECDSA signatures, `InvalidArgument` for anything unknown.
    pub(crate) fn parse(value: &[u8]) -> Result<Self, Refusal> {
        match value {
            b"UNSIGNED-PAYLOAD" => Ok(Self::Unsigned),
            b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Ok(Self::SignedChunks { trailer: false }),
            b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Ok(Self::SignedChunks { trailer: true }),
            b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Ok(Self::UnsignedChunks),
            _ if value.starts_with(b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD") => {
                Err(Refusal::NotImplemented("Asymmetric signatures (SigV4a) are not supported."))
            }
            _ => parse_hex32(value).map(Self::Hashed).ok_or(Refusal::InvalidArgument(
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.",
            )),
        }
    }

    /// Whether the body is aws-chunked.
    pub(crate) fn is_chunked(self) -> bool {
        matches!(self, Self::SignedChunks { .. } | Self::UnsignedChunks)
    }

    /// Whether a trailer may follow the body.
    pub(crate) fn has_trailer(self) -> bool {
        matches!(self, Self::SignedChunks { trailer: true } | Self::UnsignedChunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_forms_are_refused() {
        for value in ["", "unsigned-payload", "STREAMING-", "e3b0c4", &"g".repeat(64), &"a".repeat(66)] {
            assert!(matches!(Payload::parse(value.as_bytes()), Err(Refusal::InvalidArgument(_))), "{value}");
        }
        assert!(matches!(
            Payload::parse(b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"),
            Err(Refusal::NotImplemented(_))
        ));
        assert_eq!(Payload::parse(&[b'a'; 64]).unwrap(), Payload::Hashed([0xAA; 32]));
    }
}
