//! Queueing orphans for reclaim.

use terrace_high_volume::{Read, Transaction};
use terrace_long_term::BlobKey;

use crate::error::Result;
use crate::fsck::Finding;
use crate::name::{BucketId, ObjectKey, Revision};
use crate::reclaim::queue;
use crate::rows;
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::rows::head::Head;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

impl Store {
    /// Queues each orphan among `findings`, once more making sure, in the same transaction, that neither a ticket of this node nor the record
    /// of its key names it. Returns how many were queued.
    pub(crate) async fn repair(&self, findings: &[Finding]) -> Result<u64> {
        let mut queued = 0;
        // Nothing is deleted unless this long-term tier is the one that belongs to the rows.
        if !self.is_bound().await? {
            return Ok(0);
        }
        for finding in findings {
            if let Finding::Orphan { blob, bytes } = finding {
                let mut work = Queue { store: self, blob, bytes: *bytes };
                queued +=
                    self.write(Run::client("queue an orphan", self.mint()).background(), &mut work).await?;
            }
        }
        self.reclaim.wake();
        Ok(queued)
    }
}

struct Queue<'s> {
    store: &'s Store,
    blob: &'s BlobKey,
    bytes: u64,
}

impl Work for Queue<'_> {
    type Output = u64;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<u64>, Stop> {
        let (bid, rev) = (BucketId(self.blob.bid), Revision(self.blob.rev));
        let ticket = rows::ticket::key(self.store.node, rev);
        let record = rows::object::from(bid, &self.blob.key);
        let found = txn.get_many(&[ticket, record], Read::Serializable).await?;
        let [ticket, record] = found.as_slice() else { unreachable!("two keys, two answers") };
        let head = record.as_ref().map(Head::decode).transpose()?;
        let key = ObjectKey::new(self.blob.key.clone());
        let (Ok(key), false, false) = (key, ticket.is_some(), head.is_some_and(|head| head.body_rev == rev))
        else {
            return Ok(Step::Done(0));
        };
        let what = Waste::Blob { bid, key, rev };
        let not_before_ms = self.store.clock.wall();
        queue::put(
            txn,
            Class::Soon,
            &[Garbage { what, size: self.bytes, reason: Reason::Orphan, not_before_ms }],
        );
        Ok(Step::Write(1))
    }
}
