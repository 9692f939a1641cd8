//! Taking a ticket away: by its owner when a write did not win, by a recovery when the owner is dead.

use std::time::Duration;

use bytes::Bytes;
use terrace_high_volume::{Conflict, Key, KeyRange, Mutation, Read, Transaction};
use terrace_long_term::BlobKey;
use terrace_runtime::planted::{Bug, is_planted};

use crate::name::{BucketId, ObjectKey, Revision};
use crate::reclaim::queue;
use crate::rows;
use crate::rows::garbage::{Class, DAY_MS, Garbage, Reason, Waste};
use crate::rows::ticket::{Kind, State, Ticket};
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work, get};

/// What is known of the blob of a write that did not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blob {
    /// There is none and never will be.
    None,
    /// It may be there or under way; a deletion takes it away for good.
    Possible,
    /// The backend does not know how its put ended: it may appear even behind a deletion, and is deleted again a day later.
    Unsettled,
}

const TRIES: usize = 8;
const PAUSE: Duration = Duration::from_secs(1);

impl Store {
    /// Takes away the ticket of a write of this node that did not win. Tries for a while; what is left is an open ticket, which a recovery
    /// finds. `tried`: whether a commit of the record may have been carried out.
    pub(crate) async fn settle_own(&self, revision: Revision, (key, tried): (&BlobKey, bool), blob: Blob) {
        let row = rows::ticket::key(self.node, revision);
        for left in (0..TRIES).rev() {
            let mut work =
                Take { store: self, rows: vec![(row.clone(), revision)], blob, own: (!tried).then_some(key) };
            match self.write(Run::client("settle a ticket", self.mint()).background(), &mut work).await {
                Ok(_) => return self.reclaim.wake(),
                Err(error) if left == 0 => {
                    tracing::error!(error = &error as &dyn std::error::Error, blob = ?key, "a ticket stays open until a recovery");
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Takes away tickets whose owners are dead. Returns how many were open.
    pub(crate) async fn settle_dead(&self, tickets: Vec<(Key, Revision)>) -> crate::error::Result<usize> {
        let mut work = Take { store: self, rows: tickets, blob: Blob::Possible, own: None };
        self.write(Run::client("recover tickets", self.mint()).background(), &mut work).await
    }
}

struct Take<'s> {
    store: &'s Store,
    rows: Vec<(Key, Revision)>,
    blob: Blob,
    /// Name of the blob, where its owner settles and knows that it is nobody's body.
    own: Option<&'s BlobKey>,
}

impl Work for Take<'_> {
    type Output = usize;

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Step<usize>, Stop> {
        let (mut waste, mut again) = (Vec::new(), Vec::new());
        // Whether there is anything to commit.
        let mut found = false;
        for (row, revision) in &self.rows {
            let Some(value) = get(txn, row, Read::Serializable).await? else {
                // An opening whose answer was lost may still be in flight. It has read this row, so it cannot land behind this conflict.
                if self.store.facts.may_lose_answers {
                    txn.conflict(KeyRange::single(row), Conflict::Write);
                    found = true;
                }
                // A recovery took the ticket of a node that lives: the blob may have come behind the deletion that it queued. Behind a commit of
                // unknown outcome it may be a body all the same: then it is left to a sweep.
                if let Some(key) = self.own.filter(|_| self.store.fences.is_fenced(self.store.node))
                    && !is_planted(Bug::FencedOwnerLeaks)
                {
                    self.waste((BucketId(key.bid), key.key.clone(), *revision), &mut waste, &mut again)?;
                    found |= !waste.is_empty();
                }
                continue;
            };
            let ticket = Ticket::decode(&value)?;
            found = true;
            txn.mutate(Mutation::Clear { key: row.clone() });
            let may_have_blob = ticket.state == State::Open && ticket.kind != Kind::Operation;
            if may_have_blob {
                if is_planted(Bug::BlobGoesBeforeFence) && self.blob != Blob::None {
                    let (bid, key) = (ticket.bid.0, ticket.key.clone());
                    let _unfenced = self.store.blobs.delete(&BlobKey { bid, key, rev: revision.0 }).await;
                    // A deletion on a long-term tier takes its time.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                self.waste((ticket.bid, ticket.key, *revision), &mut waste, &mut again)?;
            }
        }
        queue::put(txn, Class::Soon, &waste);
        queue::put(txn, Class::Day, &again);
        Ok(if found { Step::Write(waste.len()) } else { Step::Done(0) })
    }
}

impl Take<'_> {
    /// What is to be deleted of a write that did not win, at once and once more.
    fn waste(
        &self,
        (bid, key, rev): (BucketId, Bytes, Revision),
        waste: &mut Vec<Garbage>,
        again: &mut Vec<Garbage>,
    ) -> Result<(), rows::Damaged> {
        if self.blob == Blob::None {
            return Ok(());
        }
        let key = ObjectKey::new(key).map_err(|_| rows::Damaged { family: rows::Family::Ticket })?;
        // Nobody has seen this blob: no reader to wait for.
        let now = self.store.clock.wall();
        let what = Waste::Blob { bid, key, rev };
        let garbage = Garbage { what, size: 0, reason: Reason::Abandoned, not_before_ms: now };
        if self.blob == Blob::Unsettled {
            again.push(Garbage { not_before_ms: now.saturating_add(DAY_MS), ..garbage.clone() });
        }
        waste.push(garbage);
        Ok(())
    }
}
