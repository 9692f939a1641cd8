//! AbortMultipartUpload.

use terrace_high_volume::{Mutation, Read, Transaction};

use crate::error::{Refusal, Result};
use crate::ops::join;
use crate::ops::multipart::finish;
use crate::ops::multipart::upload_part::UploadRef;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::finished::Finished;
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work, get};

impl Store {
    /// Ends an upload; its parts are reclaimed. One transaction, however many parts there are.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn abort_upload(&self, upload: UploadRef) -> Result<()> {
        let store = self.clone();
        let task = self.tasks.operation("abort upload", async move {
            let mut work = Abort { store: &store, upload: &upload };
            store.write(Run::client("abort upload", store.mint()), &mut work).await?;
            store.reclaim.wake();
            Ok(())
        });
        join(task, "abort upload").await
    }
}

struct Abort<'s> {
    store: &'s Store,
    upload: &'s UploadRef,
}

impl Work for Abort<'_> {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<()>, Stop> {
        let UploadRef { bucket, key, upload } = self.upload;
        let bid = self.store.bucket(txn, bucket).await?;
        let row = rows::upload::key(bid, key, *upload);
        if get(txn, &row, Read::Serializable).await?.is_none() {
            return Err(Refusal::NoSuchUpload.into());
        }
        txn.mutate(Mutation::Clear { key: row });
        finish(self.store, txn, *upload, &Finished::Aborted);
        let what = Waste::Upload { bid, key: key.clone(), upload: *upload };
        let not_before_ms = self.store.clock.wall();
        let waste = Garbage { what, size: 0, reason: Reason::Unlisted, not_before_ms };
        queue::put(txn, Class::Soon, &[waste]);
        Ok(Step::Write(()))
    }
}
