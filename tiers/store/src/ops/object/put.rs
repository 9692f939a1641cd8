//! PutObject.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey};
use crate::object::{Checksum, ChecksumSlot, ETag, Metadata, WriteCondition};
use crate::store::Store;
use terrace_long_term::BlobBody;

/// A body being received.
pub struct Body {
    /// Its bytes; verified by the front before it yields the end.
    pub stream: BlobBody,
    /// Its exact length in bytes, where the client said it.
    pub length: Option<u64>,
    /// The checksum that the front verified, filled at the latest when the stream ends.
    pub checksum: ChecksumSlot,
}

/// What a client wants stored.
pub struct PutObject {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What is said of it.
    pub metadata: Metadata,
    /// On which condition.
    pub condition: WriteCondition,
    /// Its bytes.
    pub body: Body,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its ETag.
    pub etag: ETag,
    /// Its Last-Modified, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Bytes of the body.
    pub size: u64,
    /// The verified checksum that was stored.
    pub checksum: Option<Checksum>,
}

impl Store {
    /// Stores a body under a key, in place of what was there.
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (If-Match on nothing), `EntityTooLarge`, `MetadataTooLarge`; the body's own.
    pub async fn put_object(&self, request: PutObject) -> Result<Written> {
        unimplemented!()
    }
}
