//! Two questions decide what an error is: must the client see it ([`Refusal`]), or must the operator ([`Failure`])?

use std::error::Error as StdError;

use terrace_long_term::BodyError;

use crate::object::Algorithm;

/// What a client asked for and cannot have, with all that it may learn of why. One line each in the gateway's table of S3 codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bucket does not exist.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// The key does not exist.
    #[error("the key does not exist")]
    NoSuchKey,
    /// The upload does not exist, or it was completed or aborted.
    #[error("the upload does not exist")]
    NoSuchUpload,
    /// The bucket exists and its owner asked to make it again.
    #[error("the bucket exists and is yours")]
    BucketAlreadyOwnedByYou,
    /// The bucket exists and is somebody else's.
    #[error("the bucket exists")]
    BucketAlreadyExists,
    /// The bucket holds objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// Not a bucket name.
    #[error("not a bucket name")]
    InvalidBucketName,
    /// The key is longer than 1,024 bytes.
    #[error("the key is too long")]
    KeyTooLong,
    /// User metadata above 2 KiB.
    #[error("the metadata is too large")]
    MetadataTooLarge,
    /// A body above what one request, or one object, may have.
    #[error("the body is too large")]
    EntityTooLarge,
    /// A part other than the last below 5 MiB.
    #[error("part {number} is too small: {size} bytes")]
    PartTooSmall {
        /// Its number.
        number: u16,
        /// Its bytes.
        size: u64,
    },
    /// A part that was not uploaded, or whose ETag or checksum is another.
    #[error("part {number} is not what was uploaded")]
    InvalidPart {
        /// Its number.
        number: u16,
    },
    /// Parts not in rising order.
    #[error("parts are not in order")]
    PartOrder,
    /// A request that does not make sense, in words for its sender.
    #[error("invalid request: {0}")]
    InvalidRequest(&'static str),
    /// A checksum of another algorithm than that of the upload, or none where the upload wants one of each part.
    #[error("the upload has checksums of {expected:?}, the request of {sent:?}")]
    ChecksumAlgorithm {
        /// That of the upload.
        expected: Algorithm,
        /// That of the request.
        sent: Option<Algorithm>,
    },
    /// A listed part without its checksum, where the checksum of the whole is one over those of the parts.
    #[error("part {number} is listed without its {algorithm:?}")]
    PartChecksumMissing {
        /// Its number.
        number: u16,
        /// That of the upload.
        algorithm: Algorithm,
    },
    /// A checksum over a multipart object that is not the one that follows from its parts.
    #[error("the {0:?} of the whole is another")]
    ChecksumMismatch(Algorithm),
    /// An argument out of its range, in words for its sender.
    #[error("invalid argument: {0}")]
    InvalidArgument(&'static str),
    /// XML of a request that is not what the operation takes.
    #[error("malformed XML")]
    MalformedXml,
    /// Something S3 has and this gateway has not.
    #[error("not implemented: {0}")]
    NotImplemented(&'static str),
    /// A condition of the request does not hold.
    #[error("the condition {0} does not hold")]
    PreconditionFailed(&'static str),
    /// A read's condition says that the client has it already; the answer carries no body.
    #[error("not modified")]
    NotModified {
        /// The ETag of what is there, quoted.
        etag: String,
        /// Its Last-Modified in milliseconds since the epoch.
        modified_ms: u64,
    },
    /// A range with no byte in the body.
    #[error("the range has no byte of a body of {size}")]
    RangeUnsatisfiable {
        /// Bytes of the body.
        size: u64,
    },
    /// Not for this identity.
    #[error("access denied")]
    AccessDenied,
    /// Another writer of the same key is ahead, and the queue is full: slower.
    #[error("slow down")]
    SlowDown,
}

/// What the operator must do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Retry later.
    Unavailable,
    /// Retry slower.
    Throttled,
    /// Not done within the request's time.
    TimedOut,
    /// It may have happened: look before you act.
    MaybeCommitted,
    /// No room for more bytes: deletes still work.
    NoSpace,
    /// What was stored is not what is there: page someone.
    Corrupt,
    /// This deployment cannot.
    Unsupported,
    /// A bug of ours.
    Bug,
}

/// A fault: what to do, what was being done and where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed on {backend}")]
pub struct Failure {
    kind: FailureKind,
    operation: &'static str,
    backend: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Failure {
    /// A failure of `operation` in the part of the system named by `backend`.
    #[must_use]
    pub fn new(kind: FailureKind, operation: &'static str, backend: &'static str) -> Self {
        Self { kind, operation, backend, source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }
}

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client's to know.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The operator's to know.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The body broke off: the source is the error of whoever made the stream, to be found by downcast.
    #[error(transparent)]
    Body(#[from] BodyError),
}

/// Result of an operation.
pub type Result<T> = std::result::Result<T, Error>;
