//! DeleteObject.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey};
use crate::object::WriteCondition;
use crate::store::Store;

impl Store {
    /// Deletes an object. Nothing there: nothing done, and no error (unless `If-Match` asks for something).
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (If-Match on nothing).
    pub async fn delete_object(
        &self,
        bucket: BucketName,
        key: ObjectKey,
        condition: WriteCondition,
    ) -> Result<()> {
        unimplemented!()
    }
}
