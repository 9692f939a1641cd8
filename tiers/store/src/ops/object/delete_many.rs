//! DeleteObjects.
use crate::error::{Error, Result};
use crate::name::{BucketName, ObjectKey};
use crate::object::WriteCondition;
use crate::store::Store;

/// What became of one key.
pub struct Deleted {
    /// The key.
    pub key: ObjectKey,
    /// `Ok` also where nothing was.
    pub outcome: std::result::Result<(), Error>,
}

impl Store {
    /// Deletes up to 1,000 keys, each with its own outcome, in the order of the request.
    ///
    /// # Errors
    /// `NoSuchBucket`, `MalformedXml` above 1,000 keys.
    pub async fn delete_objects(
        &self,
        bucket: BucketName,
        keys: Vec<(ObjectKey, WriteCondition)>,
    ) -> Result<Vec<Deleted>> {
        unimplemented!()
    }
}
