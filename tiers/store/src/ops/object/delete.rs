//! DeleteObject.

use terrace_high_volume::Transaction;

use crate::error::Result;
use crate::name::{BucketName, ObjectKey};
use crate::object::DeleteCondition;
use crate::ops::join;
use crate::ops::object::record::Place;
use crate::reclaim::queue;
use crate::rows::garbage::Class;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

impl Store {
    /// Deletes an object: one transaction. Nothing there: nothing done, no commit, and no error (unless `If-Match` asks for something).
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (If-Match on nothing).
    pub async fn delete_object(
        &self,
        bucket: BucketName,
        key: ObjectKey,
        condition: DeleteCondition,
    ) -> Result<()> {
        let store = self.clone();
        let task = self.tasks.operation("delete object", async move {
            let mut work = Delete { store: &store, bucket: &bucket, key: &key, condition: &condition };
            let started = store.clock.monotonic();
            let queued = store.write(Run::client("delete object", store.mint()), &mut work).await?;
            store.metrics.high_volume.delete(store.clock.monotonic() - started);
            if queued {
                store.reclaim.wake();
            }
            Ok(())
        });
        join(task, "delete object").await
    }
}

struct Delete<'s> {
    store: &'s Store,
    bucket: &'s BucketName,
    key: &'s ObjectKey,
    condition: &'s DeleteCondition,
}

impl Work for Delete<'_> {
    /// Whether waste was queued.
    type Output = bool;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<bool>, Stop> {
        let bid = self.store.bucket(txn, self.bucket).await?;
        let place = Place::read(self.store, txn, bid, self.key).await?;
        self.condition.check(place.current())?;
        if place.head.is_none() {
            return Ok(Step::Done(false));
        }
        let waste = place.clear(txn);
        queue::put(txn, Class::Soon, waste.as_slice());
        Ok(Step::Write(waste.is_some()))
    }
}
