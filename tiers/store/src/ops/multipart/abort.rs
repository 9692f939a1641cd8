//! AbortMultipartUpload.
use crate::error::Result;
use crate::ops::multipart::upload_part::UploadRef;
use crate::store::Store;

impl Store {
    /// Ends an upload; its parts are reclaimed.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn abort_upload(&self, upload: UploadRef) -> Result<()> {
        unimplemented!()
    }
}
