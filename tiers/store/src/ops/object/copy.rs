//! CopyObject.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey};
use crate::object::{Metadata, ReadCondition, WriteCondition};
use crate::ops::object::put::Written;
use crate::store::Store;

/// Where a copy comes from.
pub struct CopySource {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// On which condition.
    pub condition: ReadCondition,
}

/// Whose metadata the copy has.
pub enum MetadataDirective {
    /// The source's.
    Copy,
    /// This instead.
    Replace(Metadata),
}

/// What a client wants copied.
pub struct CopyObject {
    /// From where.
    pub source: CopySource,
    /// To which bucket.
    pub bucket: BucketName,
    /// To which key.
    pub key: ObjectKey,
    /// With whose metadata.
    pub metadata: MetadataDirective,
    /// On which condition of the destination.
    pub condition: WriteCondition,
}

/// What a copy made.
pub struct Copied {
    /// The new object.
    pub written: Written,
}

impl Store {
    /// Copies an object of at most 5 GiB. A self-copy with new metadata moves no byte and keeps the ETag.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`, `InvalidRequest` (onto itself without a change; source too large).
    pub async fn copy_object(&self, request: CopyObject) -> Result<Copied> {
        unimplemented!()
    }
}
