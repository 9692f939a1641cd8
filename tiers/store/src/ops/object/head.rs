//! HeadObject.
use crate::error::Result;
use crate::ops::object::get::{GetObject, ObjectInfo, Part};
use crate::store::Store;

impl Store {
    /// What GetObject would answer, without the body.
    ///
    /// # Errors
    /// As for [`Store::get_object`].
    pub async fn head_object(&self, request: GetObject) -> Result<(ObjectInfo, Option<Part>)> {
        unimplemented!()
    }
}
