//! UploadPart.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey, PartNumber, UploadId};
use crate::ops::object::{Body, Written};
use crate::store::Store;

/// Names an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// Its id.
    pub upload: UploadId,
}

/// A part being received.
pub struct UploadPart {
    /// Of which upload.
    pub upload: UploadRef,
    /// Its number.
    pub number: PartNumber,
    /// Its bytes.
    pub body: Body,
}

impl Store {
    /// Stores a part, in place of one of the same number.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `EntityTooLarge`; the body's own.
    pub async fn upload_part(&self, request: UploadPart) -> Result<Written> {
        unimplemented!()
    }
}
