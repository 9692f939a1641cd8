//! Changes of the catalog, one at a time in this process.

use terrace_high_volume::{Read, Transaction};

use crate::error::{Error, FailureKind, Result};
use crate::name::BucketName;
use crate::rows;
use crate::rows::bucket::BucketRow;
use crate::store::Store;
use crate::transact::{Reading, Run, Stop, Work, get};

impl Store {
    /// Commits a change of one bucket's row, whose output is the row as it is afterwards. While it runs, and behind it when it failed and the
    /// row could not be read or may still change, transactions read the row itself.
    pub(crate) async fn change_bucket<W>(&self, run: Run, name: &BucketName, work: &mut W) -> Result<()>
    where
        W: Work<Output = Option<BucketRow>>,
    {
        let _turn = self.catalog.turn.lock().await;
        self.catalog.mark(name);
        let outcome = self.write(run.synced(), work).await;
        match outcome {
            Ok(row) => {
                self.catalog.settle(name, row);
                Ok(())
            }
            Err(error) => {
                // A commit that may still land must not find a map that denies it.
                let may_land =
                    matches!(&error, Error::Failed(failure) if failure.kind() == FailureKind::MaybeCommitted);
                if !may_land && let Ok(row) = self.read("read a bucket", &mut OneBucket { name }).await {
                    self.catalog.settle(name, row);
                }
                Err(error)
            }
        }
    }
}

struct OneBucket<'n> {
    name: &'n BucketName,
}

impl Reading for OneBucket<'_> {
    type Output = Option<BucketRow>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Self::Output, Stop> {
        let row = get(txn, &rows::bucket::key(self.name), Read::Snapshot).await?;
        row.map(|value| BucketRow::decode(&value)).transpose().map_err(Stop::from)
    }
}
