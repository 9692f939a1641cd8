//! DeleteBucket.
use crate::error::Result;
use crate::name::BucketName;
use crate::store::Store;

impl Store {
    /// Deletes an empty bucket; its open uploads are aborted.
    ///
    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub async fn delete_bucket(&self, bucket: &BucketName) -> Result<()> {
        unimplemented!()
    }
}
