//! DeleteObjects.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use terrace_high_volume::Transaction;

use crate::error::{Error, Failure, FailureKind, Refusal, Result};
use crate::name::{BucketName, ObjectKey};
use crate::object::DeleteCondition;
use crate::ops::join;
use crate::ops::object::record::Place;
use crate::reclaim::queue;
use crate::rows::garbage::Class;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

/// Most keys of one request (S3 API, DeleteObjects).
const MOST: usize = 1_000;
/// Keys of one transaction, and transactions at once.
const AT_ONCE: usize = 100;
const PARALLEL: usize = 10;

const OPERATION: &str = "delete objects";

/// What became of one key.
pub struct Deleted {
    /// The key.
    pub key: ObjectKey,
    /// `Ok` also where nothing was.
    pub outcome: std::result::Result<(), Error>,
}

impl Store {
    /// Deletes up to 1,000 keys, each with its own outcome, in the order of the request. One transaction for each 100 keys.
    ///
    /// # Errors
    /// `NoSuchBucket`, `MalformedXml` above 1,000 keys or with none.
    pub async fn delete_objects(
        &self,
        bucket: BucketName,
        keys: Vec<(ObjectKey, DeleteCondition)>,
    ) -> Result<Vec<Deleted>> {
        if keys.is_empty() || keys.len() > MOST {
            return Err(Refusal::MalformedXml.into());
        }
        self.expect_bucket(&bucket).await?;
        let store = self.clone();
        let task = self.tasks.operation(OPERATION, async move {
            let batches: Vec<Vec<_>> = keys.chunks(AT_ONCE).map(<[_]>::to_vec).collect();
            let deleted = stream::iter(batches)
                .map(|batch| store.delete_batch(&bucket, batch))
                .buffered(PARALLEL)
                .concat()
                .await;
            store.reclaim.wake();
            Ok(deleted)
        });
        join(task, OPERATION).await
    }

    /// One transaction; when it fails as a whole, so does each of its keys. Only a record that cannot be read is not held against the others:
    /// then each key is tried on its own.
    async fn delete_batch(
        &self,
        bucket: &BucketName,
        batch: Vec<(ObjectKey, DeleteCondition)>,
    ) -> Vec<Deleted> {
        let mut work = DeleteBatch { store: self, bucket, batch: &batch };
        let failed = match self.write(Run::client(OPERATION, self.mint()), &mut work).await {
            Ok(outcomes) => {
                let keys = batch.into_iter().map(|(key, _)| key).zip(outcomes);
                return keys
                    .map(|(key, outcome)| Deleted { key, outcome: outcome.map_err(Error::from) })
                    .collect();
            }
            Err(failed) => failed,
        };
        let mut deleted = Vec::with_capacity(batch.len());
        for (key, condition) in batch {
            let outcome = match &failed {
                Error::Failed(failure) if failure.kind() == FailureKind::Corrupt => {
                    self.delete_object(bucket.clone(), key.clone(), condition).await
                }
                Error::Refused(refusal) => Err(refusal.clone().into()),
                Error::Failed(failure) => {
                    Err(Failure::new(failure.kind(), OPERATION, self.facts.name).into())
                }
                Error::Body(_) => Err(Failure::new(FailureKind::Bug, OPERATION, self.facts.name).into()),
            };
            deleted.push(Deleted { key, outcome });
        }
        if let Error::Failed(failure) = &failed {
            tracing::warn!(error = failure as &dyn std::error::Error, "a batch of deletions failed");
        }
        deleted
    }
}

struct DeleteBatch<'s> {
    store: &'s Store,
    bucket: &'s BucketName,
    batch: &'s [(ObjectKey, DeleteCondition)],
}

impl Work for DeleteBatch<'_> {
    type Output = Vec<std::result::Result<(), Refusal>>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Self::Output>, Stop> {
        let bid = self.store.bucket(txn, self.bucket).await?;
        let places = Place::read_many(self.store, txn, bid, self.batch.iter().map(|(key, _)| key)).await?;
        let mut outcomes = Vec::with_capacity(places.len());
        let mut cleared = BTreeSet::new();
        let mut waste = Vec::new();
        for ((key, condition), place) in self.batch.iter().zip(places) {
            let outcome = condition.check(place.current());
            // A key named twice is deleted once.
            if outcome.is_ok() && place.head.is_some() && cleared.insert(key) {
                waste.extend(place.clear(txn));
            }
            outcomes.push(outcome);
        }
        queue::put(txn, Class::Soon, &waste);
        Ok(if cleared.is_empty() { Step::Done(outcomes) } else { Step::Write(outcomes) })
    }
}
