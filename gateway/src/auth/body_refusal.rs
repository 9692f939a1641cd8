//! Why a request body was not accepted, as a typed error inside the body stream.

use std::error::Error;
use std::sync::Arc;

use s3s::S3ErrorCode;

/// What was wrong with a body. It travels as the error of the body stream; [`BodyRefusal::find`] gets it back out of the
/// chain in which the reader of the stream wrapped it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BodyRefusal {
    /// Fewer or more bytes than announced, or the client went away.
    #[error("the body has not the length that its headers announced")]
    IncompleteBody {
        /// What the connection said, if it broke.
        #[source]
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The SHA-256 of the body is not that of `x-amz-content-sha256`.
    #[error("the body does not match x-amz-content-sha256")]
    ContentSha256Mismatch,
    /// The signature of a chunk or of the trailer is wrong.
    #[error("the signature of a chunk or trailer does not match")]
    SignatureMismatch,
    /// The body does not match a digest that the client sent.
    #[error("the body does not match {what}")]
    BadDigest {
        /// The header or trailer that held the digest.
        what: &'static str,
    },
    /// The framing of the body, or a value in it, is malformed.
    #[error("malformed body: {what}")]
    InvalidRequest {
        /// What is malformed.
        what: &'static str,
    },
    /// The trailer is malformed, not the announced one, or missing.
    #[error("malformed trailer: {what}")]
    MalformedTrailer {
        /// What is malformed.
        what: &'static str,
    },
    /// A signed chunk larger than the limit.
    #[error("a signed chunk is larger than {limit} bytes")]
    ChunkTooLarge {
        /// The limit, in bytes, inclusive.
        limit: u64,
    },
    /// The client sent nothing for too long.
    #[error("no bytes of the body arrived for too long")]
    IdleTimeout,
}

impl BodyRefusal {
    pub(crate) const INCOMPLETE: Self = Self::IncompleteBody { source: None };

    /// Digests that were computed elsewhere and did not come back: the process is stopping.
    pub(crate) fn lost(source: terrace_store::digest::Lost) -> Self {
        Self::IncompleteBody { source: Some(Arc::new(source)) }
    }

    /// The refusal inside an error of a body stream, looked for along the chain of sources.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // The source of an `io::Error` is that of the error it wraps, which would be passed over.
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            next = inner.map_or_else(|| error.source(), |inner| Some(inner));
        }
        None
    }

    /// The S3 error code; its HTTP status is that of [`S3ErrorCode::status_code`], 400 where that has none.
    #[must_use]
    pub fn code(&self) -> S3ErrorCode {
        match self {
            Self::IncompleteBody { .. } => S3ErrorCode::IncompleteBody,
            Self::ContentSha256Mismatch => S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            Self::SignatureMismatch => S3ErrorCode::SignatureDoesNotMatch,
            Self::BadDigest { .. } => S3ErrorCode::BadDigest,
            Self::InvalidRequest { .. } => S3ErrorCode::InvalidRequest,
            Self::MalformedTrailer { .. } => S3ErrorCode::Custom("MalformedTrailerError".into()),
            Self::ChunkTooLarge { .. } => S3ErrorCode::Custom("InvalidChunkSizeError".into()),
            Self::IdleTimeout => S3ErrorCode::RequestTimeout,
        }
    }

    /// What the client is told.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::IncompleteBody { .. } => {
                "You did not provide the number of bytes specified by the Content-Length HTTP header.".into()
            }
            Self::ContentSha256Mismatch => {
                "The provided 'x-amz-content-sha256' header does not match what was computed.".into()
            }
            Self::SignatureMismatch => {
                "The request signature we calculated does not match the signature you provided.".into()
            }
            Self::BadDigest { what } => format!("The {what} you specified did not match what we received."),
            Self::InvalidRequest { what } | Self::MalformedTrailer { what } => (*what).into(),
            Self::ChunkTooLarge { limit } => format!("A signed chunk may hold at most {limit} bytes."),
            Self::IdleTimeout => {
                "Your socket connection to the server was not read from or written to within the timeout period.".into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn a_refusal_is_found_however_deep_it_is_wrapped() {
        let wrapped = Outer(Box::new(Outer(Box::new(BodyRefusal::BadDigest { what: "Content-MD5" }))));
        assert!(matches!(BodyRefusal::find(&wrapped), Some(BodyRefusal::BadDigest { what: "Content-MD5" })));
        assert!(BodyRefusal::find(&std::io::Error::other("else")).is_none());
    }

    #[test]
    fn a_refusal_is_found_inside_an_io_error() {
        let error = std::io::Error::other(BodyRefusal::IdleTimeout);
        assert!(matches!(BodyRefusal::find(&error), Some(BodyRefusal::IdleTimeout)));
    }
}
