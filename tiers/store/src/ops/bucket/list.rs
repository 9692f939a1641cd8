//! ListBuckets, HeadBucket.
use crate::error::Result;
use crate::name::BucketName;
use crate::store::Store;

/// A bucket as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name.
    pub name: BucketName,
    /// When it was made, milliseconds since the epoch.
    pub created_ms: u64,
    /// Who made it.
    pub owner: String,
}

impl Store {
    /// All buckets in the order of their names.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        unimplemented!()
    }

    /// One bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn head_bucket(&self, bucket: &BucketName) -> Result<BucketInfo> {
        unimplemented!()
    }
}
