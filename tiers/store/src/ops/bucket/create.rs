//! CreateBucket.
use crate::error::Result;
use crate::name::BucketName;
use crate::store::Store;

impl Store {
    /// Makes a bucket owned by `owner`.
    ///
    /// # Errors
    /// `BucketAlreadyOwnedByYou`, `BucketAlreadyExists`.
    pub async fn create_bucket(&self, bucket: BucketName, owner: &str) -> Result<()> {
        unimplemented!()
    }
}
