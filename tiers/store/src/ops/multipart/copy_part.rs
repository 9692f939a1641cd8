//! UploadPartCopy.
use crate::error::Result;
use crate::name::PartNumber;
use crate::ops::multipart::upload_part::UploadRef;
use crate::ops::object::{CopySource, Written};
use crate::store::Store;

/// A part that comes from an object.
pub struct CopyPart {
    /// Of which upload.
    pub upload: UploadRef,
    /// Its number.
    pub number: PartNumber,
    /// From which object.
    pub source: CopySource,
    /// Which bytes of it, first and last inclusive; it must lie within the object.
    pub range: Option<(u64, u64)>,
}

impl Store {
    /// Stores bytes of an object as a part.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchUpload`, `PreconditionFailed`, `InvalidRequest`/`InvalidArgument` (range beyond the source, above 5 GiB).
    pub async fn copy_part(&self, request: CopyPart) -> Result<Written> {
        unimplemented!()
    }
}
