//! CreateBucket.

use terrace_high_volume::{Mutation, Read, Transaction};

use crate::error::{Refusal, Result};
use crate::name::{BucketId, BucketName};
use crate::ops::join;
use crate::rows;
use crate::rows::bucket::BucketRow;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

impl Store {
    /// Makes a bucket owned by `owner`. One transaction.
    ///
    /// # Errors
    /// `BucketAlreadyOwnedByYou`, `BucketAlreadyExists`.
    pub async fn create_bucket(&self, bucket: BucketName, owner: &str) -> Result<()> {
        let row = BucketRow { bid: BucketId(0), created_ms: self.clock.wall(), owner: owner.to_owned() };
        let store = self.clone();
        let task = self.tasks.operation("create bucket", async move {
            let run = Run::client("create bucket", store.mint());
            store.change_bucket(run, &bucket, &mut Create { name: &bucket, row }).await
        });
        join(task, "create bucket").await
    }
}

struct Create<'n> {
    name: &'n BucketName,
    row: BucketRow,
}

impl Work for Create<'_> {
    type Output = Option<BucketRow>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Self::Output>, Stop> {
        let key = rows::bucket::key(self.name);
        let newest = rows::singleton::last_bucket();
        let found = txn.get_many(&[key.clone(), newest.clone()], Read::Serializable).await?;
        let [there, id] = found.as_slice() else { unreachable!("two keys, two answers") };
        if let Some(value) = there {
            let owner = BucketRow::decode(value)?.owner;
            return Err(if owner == self.row.owner {
                Refusal::BucketAlreadyOwnedByYou.into()
            } else {
                Refusal::BucketAlreadyExists.into()
            });
        }
        // Ids are counted and never reused, so that nothing a deleted bucket left behind can belong to its successor.
        let last = id.as_ref().map(rows::singleton::decode_number).transpose()?.unwrap_or(0);
        self.row.bid = BucketId(last + 1);
        txn.mutate(Mutation::Set { key: newest, value: rows::singleton::encode_number(last + 1) });
        txn.mutate(Mutation::Set { key, value: self.row.encode() });
        txn.mutate(Mutation::BumpCatalog);
        Ok(Step::Write(Some(self.row.clone())))
    }
}
