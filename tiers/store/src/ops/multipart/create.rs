//! CreateMultipartUpload.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey, UploadId};
use crate::object::{Algorithm, Metadata};
use crate::store::Store;

/// What a client says of an object that will come in parts.
pub struct CreateUpload {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What is said of it.
    pub metadata: Metadata,
    /// `x-amz-checksum-algorithm`.
    pub algorithm: Option<Algorithm>,
}

impl Store {
    /// Opens an upload.
    ///
    /// # Errors
    /// `NoSuchBucket`, `MetadataTooLarge`.
    pub async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        unimplemented!()
    }
}
