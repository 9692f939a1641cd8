//! CompleteMultipartUpload.
use crate::error::Result;
use crate::name::PartNumber;
use crate::object::{Checksum, WriteCondition};
use crate::ops::multipart::upload_part::UploadRef;
use crate::ops::object::Written;
use crate::store::Store;

/// One part as the client lists it.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its ETag, with or without quotes.
    pub etag: String,
    /// Its checksum, where the client gives one.
    pub checksum: Option<Checksum>,
}

/// What a client wants put together.
pub struct CompleteUpload {
    /// Which upload.
    pub upload: UploadRef,
    /// Its parts in order.
    pub parts: Vec<CompletedPart>,
    /// On which condition of the key.
    pub condition: WriteCondition,
    /// `x-amz-mp-object-size`: bytes of the whole, where the client says it.
    pub size: Option<u64>,
}

impl Store {
    /// Makes an object of the parts without copying a byte. Repeated after success it answers the same.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `InvalidPart`, `PartOrder`, `PartTooSmall`, `PreconditionFailed`, `InvalidRequest`, `MalformedXml` (no part).
    pub async fn complete_upload(&self, request: CompleteUpload) -> Result<Written> {
        unimplemented!()
    }
}
