//! The bucket that comes and goes.

use terrace_store::{Error, FailureKind, Refusal};

use crate::actors::client::{BUCKETS, KEYS, place};
use crate::actors::{Client, Told};
use crate::faults::Operation;

impl Client {
    pub(crate) async fn create_bucket(&self) {
        let bucket = place(BUCKETS[1], KEYS[0]).bucket;
        let told = self
            .call(Operation::CreateBucket, |store| async move { store.create_bucket(bucket, "owner").await });
        self.expect(told.await, &[Refusal::BucketAlreadyOwnedByYou]);
    }

    pub(crate) async fn delete_bucket(&self) {
        if self.random.chance(700) {
            self.delete_these(BUCKETS[1], &KEYS).await;
        }
        let bucket = place(BUCKETS[1], KEYS[0]).bucket;
        let told =
            self.call(Operation::DeleteBucket, |store| async move { store.delete_bucket(&bucket).await });
        self.expect(told.await, &[Refusal::NoSuchBucket, Refusal::BucketNotEmpty]);
    }

    /// Whether it was done, or why it may not have been.
    pub(crate) fn expect<T>(&self, told: Told<T>, refusals: &[Refusal]) -> Option<T> {
        match told? {
            Ok(done) => return Some(done),
            Err(Error::Body(_)) => {}
            Err(Error::Refused(refusal)) if refusals.contains(&refusal) => {}
            Err(Error::Failed(failure))
                if matches!(
                    failure.kind(),
                    FailureKind::Unavailable
                        | FailureKind::Throttled
                        | FailureKind::TimedOut
                        | FailureKind::MaybeCommitted
                ) => {}
            Err(error) => self.unexpected(&error),
        }
        None
    }
}
