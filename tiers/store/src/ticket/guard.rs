//! The guard of a large write: opens its ticket, and settles it when the write does not win.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::Shared;
use terrace_high_volume::{Mutation, Read, Transaction};
use terrace_long_term::{BlobKey, PutOutcome};
use terrace_runtime::planted::{Bug, is_planted};
use tokio::sync::oneshot;

use crate::error::{Failure, FailureKind};
use crate::name::{BucketId, ObjectKey, Revision};
use crate::rows;
use crate::rows::ticket::{Kind, State, Ticket};
use crate::store::Store;
use crate::ticket::settle::Blob;
use crate::transact::{Run, Step, Stop, Work, get};

/// Owner of an open ticket. Dropped before [`Guard::won`], it takes the ticket away and has the blob reclaimed, in the background; outside
/// a runtime it leaves the ticket to a recovery.
pub(crate) struct Guard {
    store: Store,
    revision: Revision,
    key: BlobKey,
    recorded: Recorded,
    /// Whether a commit of the record was tried: if its outcome is not known, only the ticket tells whether the blob is a body.
    tried: AtomicBool,
    /// What a cleanup has to reckon with; `None` once there is nothing to clean up.
    blob: Option<Blob>,
}

/// Learns when the ticket is durable.
#[derive(Clone)]
pub(crate) struct Recorded {
    outcome: Shared<oneshot::Receiver<bool>>,
}

/// The ticket could not be made durable, so the body must not be finished.
#[derive(Debug, thiserror::Error)]
#[error("the ticket of the write could not be recorded")]
pub(crate) struct NotRecorded;

/// A pair that tells, and learns, whether a ticket is durable.
pub(crate) fn recording() -> (oneshot::Sender<bool>, Recorded) {
    let (record, outcome) = oneshot::channel();
    (record, Recorded { outcome: outcome.shared() })
}

impl Recorded {
    /// Ready when it is known whether the ticket is durable.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NotRecorded>> {
        Poll::Ready(match ready!(Pin::new(&mut self.outcome).poll_unpin(cx)) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(NotRecorded),
        })
    }

    /// Waits until it is known whether the ticket is durable.
    pub(crate) async fn wait(mut self) -> Result<(), NotRecorded> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }
}

impl Guard {
    /// Begins to record a ticket for a body that will be put under `revision`, which is fresh; does not wait for it.
    pub(crate) fn open(
        store: &Store,
        kind: Kind,
        (bid, key, revision): (BucketId, &ObjectKey, Revision),
    ) -> Self {
        let (record, recorded) = recording();
        let created_ms = store.clock.wall();
        let ticket = Ticket { state: State::Open, kind, bid, key: key.as_bytes().clone(), created_ms };
        let opening = store.clone();
        drop(store.tasks.operation("open a ticket", async move {
            let mut work = Open { store: &opening, row: rows::ticket::key(opening.node, revision), ticket };
            let outcome =
                opening.write(Run::client("open a ticket", opening.mint()).synced(), &mut work).await;
            if let Err(error) = &outcome {
                tracing::warn!(error = error as &dyn std::error::Error, "a ticket could not be recorded");
            }
            // Nobody listens any more when the write has ended already.
            let _ended = record.send(outcome.is_ok());
        }));
        let key = BlobKey { bid: bid.0, key: key.as_bytes().clone(), rev: revision.0 };
        Self {
            store: store.clone(),
            revision,
            key,
            recorded,
            tried: AtomicBool::new(false),
            blob: Some(Blob::Possible),
        }
    }

    /// The revision of the body.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// The name of the blob.
    pub(crate) fn blob_key(&self) -> &BlobKey {
        &self.key
    }

    /// Learns when the ticket is durable.
    pub(crate) fn recorded(&self) -> Recorded {
        self.recorded.clone()
    }

    /// The put failed.
    pub(crate) fn put_failed(&mut self, outcome: PutOutcome) {
        self.blob = Some(match outcome {
            PutOutcome::Settled => Blob::None,
            PutOutcome::Unknown => Blob::Unsettled,
        });
    }

    /// Inside the transaction that commits the record: the ticket must be open, and goes. Without it the write is fenced.
    pub(crate) async fn flip(&self, txn: &dyn Transaction) -> Result<(), Stop> {
        let store = &self.store;
        let row = rows::ticket::key(store.node, self.revision);
        let open = match get(txn, &row, Read::Serializable).await? {
            Some(value) => Ticket::decode(&value)?.state == State::Open,
            None => false,
        };
        if !open || store.fences.is_fenced(store.node) {
            return Err(fenced(store).into());
        }
        self.tried.store(true, Ordering::Relaxed);
        // An engine that can lose an answer keeps the row as the witness of the commit; `transact` writes it. Elsewhere it just goes.
        if !store.facts.may_lose_answers {
            txn.mutate(Mutation::Clear { key: row });
        }
        Ok(())
    }

    /// The record is committed: the blob is a body, and the ticket is gone.
    pub(crate) fn won(mut self) {
        self.blob = None;
    }
}

/// A peer has declared this node dead.
pub(crate) fn fenced(store: &Store) -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "commit a large write (its ticket was taken away)",
        store.facts.name,
    )
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(blob) = self.blob.take() else { return };
        let (store, key, recorded, revision) =
            (self.store.clone(), self.key.clone(), self.recorded.clone(), self.revision);
        let tried = self.tried.load(Ordering::Relaxed);
        self.store.tasks.cleanup("settle a ticket", async move {
            // Whether it is durable or not, from here on it is not in flight.
            let _outcome = recorded.wait().await;
            store.settle_own(revision, (&key, tried), blob).await;
        });
    }
}

struct Open<'s> {
    store: &'s Store,
    row: terrace_high_volume::Key,
    ticket: Ticket,
}

impl Work for Open<'_> {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Step<()>, Stop> {
        if is_planted(Bug::TicketOpenedBlindly) {
            txn.mutate(Mutation::Set { key: self.row.clone(), value: self.ticket.encode() });
            return Ok(Step::Write(()));
        }
        if self.store.fences.is_fenced(self.store.node) {
            return Err(fenced(self.store).into());
        }
        // There already: an earlier attempt whose answer was lost.
        if get(txn, &self.row, Read::Serializable).await?.is_some() {
            return Ok(Step::Done(()));
        }
        txn.mutate(Mutation::Set { key: self.row.clone(), value: self.ticket.encode() });
        Ok(Step::Write(()))
    }
}
