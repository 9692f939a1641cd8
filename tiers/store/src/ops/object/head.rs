//! HeadObject.

use crate::error::Result;
use crate::ops::object::get::{GetObject, Look, ObjectInfo, Part, Seen};
use crate::store::Store;

impl Store {
    /// What GetObject would answer, without the body: one record read, never the long-term tier.
    ///
    /// # Errors
    /// As for [`Store::get_object`].
    pub async fn head_object(&self, request: GetObject) -> Result<(ObjectInfo, Option<Part>)> {
        let mut look = Look { store: self, request: &request, with_body: false, upload: None };
        let started = self.clock.monotonic();
        let Seen { info, part, .. } = self.read("head object", &mut look).await?;
        self.metrics.high_volume.head(self.clock.monotonic() - started);
        Ok((info, part))
    }
}
