//! A blob store that fails on purpose, by a plan: for tests and simulation. Every call is a named, counted point at which the plan may
//! strike. Without a fault it passes everything through unchanged.

mod changes;
mod plan;
mod streams;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use terrace_runtime::Tasks;

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::{BlobError, BlobErrorKind, PutOutcome};
use crate::key::BlobKey;
use crate::length::Length;
use changes::Changes;
use streams::{End, Ending};

pub use plan::{Call, Fault, Plan, Point, Script};

/// A store around another one that meets the faults of a plan. Cheap to clone.
#[derive(Clone)]
pub struct Faults {
    inner: Arc<dyn BlobStore>,
    tasks: Tasks,
    plan: Arc<dyn Plan>,
    seen: Arc<Mutex<Seen>>,
    changes: Arc<Mutex<Changes>>,
}

#[derive(Default)]
struct Seen {
    calls: BTreeMap<Point, u64>,
    struck: BTreeMap<Point, u64>,
}

impl Faults {
    /// Around `inner`; what lands late does so in a cleanup of `tasks`.
    pub fn new(inner: Arc<dyn BlobStore>, tasks: Tasks, plan: Arc<dyn Plan>) -> Self {
        Self { inner, tasks, plan, seen: Arc::default(), changes: Arc::default() }
    }

    /// How many calls of a kind there were.
    #[must_use]
    pub fn calls(&self, point: Point) -> u64 {
        self.seen.lock().calls.get(&point).copied().unwrap_or(0)
    }

    /// How many of them met a fault: a test asserts it, so that it cannot pass because its plan never struck.
    #[must_use]
    pub fn struck(&self, point: Point) -> u64 {
        self.seen.lock().struck.get(&point).copied().unwrap_or(0)
    }

    /// Counts the call, and lets the faults strike that any call may meet; the others come back.
    async fn enter(&self, point: Point, key: Option<&BlobKey>) -> Result<Option<Fault>, BlobError> {
        let fault = {
            let mut seen = self.seen.lock();
            let calls = seen.calls.entry(point).or_insert(0);
            *calls += 1;
            let fault = self.plan.fault(&Call { point, nth: *calls, key });
            *seen.struck.entry(point).or_insert(0) += u64::from(fault.is_some());
            fault
        };
        match fault {
            Some(Fault::Refused(kind)) => Err(BlobError::settled(kind, "pass an injected refusal")),
            Some(Fault::Stalled) => std::future::pending().await,
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(None)
            }
            fault => Ok(fault),
        }
    }

    /// For calls that no other fault fits.
    async fn enter_plainly(&self, point: Point, key: Option<&BlobKey>) -> Result<(), BlobError> {
        match self.enter(point, key).await? {
            None => Ok(()),
            Some(_) => Err(misfit()),
        }
    }

    async fn put_through(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        let stored = self.inner.put(key, body, hint).await?;
        self.changes.lock().stored(key, stored.size);
        Ok(stored)
    }

    async fn put_cut(
        &self,
        key: &BlobKey,
        (body, hint): (Ending, SizeHint),
        outcome: PutOutcome,
    ) -> Result<Stored, BlobError> {
        let cut = body.reached();
        match self.inner.put(key, Box::pin(body), hint).await {
            Err(_) if cut.load(Ordering::SeqCst) => Err(match outcome {
                PutOutcome::Settled => {
                    BlobError::settled(BlobErrorKind::Unavailable, "store a blob that was cut")
                }
                PutOutcome::Unknown => {
                    BlobError::unknown(BlobErrorKind::Unavailable, "store a blob that was cut")
                }
            }),
            other => other,
        }
    }

    async fn put_late(
        &self,
        key: &BlobKey,
        mut body: BlobBody,
        (hint, after): (SizeHint, std::time::Duration),
    ) -> Result<Stored, BlobError> {
        let (mut length, mut chunks) = (Length::new(hint), Vec::new());
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(BlobError::body)?;
            length.add(chunk.len())?;
            chunks.push(Ok(chunk));
        }
        let size = length.end()?;
        let (this, key) = (self.clone(), key.clone());
        self.tasks.cleanup("a put that lands late", async move {
            tokio::time::sleep(after).await;
            let body = Box::pin(stream::iter(chunks));
            if let Err(error) = this.put_through(&key, body, SizeHint::Exact(size)).await {
                tracing::warn!(%error, ?key, "a put that was to land late did not");
            }
        });
        Err(BlobError::unknown(BlobErrorKind::Unavailable, "store a blob that lands late"))
    }
}

fn misfit() -> BlobError {
    BlobError::settled(BlobErrorKind::Bug, "meet an injected fault that does not fit the call")
}

fn answer_lost() -> BlobError {
    BlobError::unknown(BlobErrorKind::TimedOut, "wait for an answer that an injected fault took away")
}

#[async_trait]
impl BlobStore for Faults {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        match self.enter(Point::Put, Some(key)).await? {
            None => self.put_through(key, body, hint).await,
            Some(Fault::AnswerLost) => {
                self.put_through(key, body, hint).await?;
                Err(answer_lost())
            }
            Some(Fault::PutCut { at, outcome }) => {
                self.put_cut(key, (Ending::new(body, at, End::Break), hint), outcome).await
            }
            Some(Fault::StallsAt(at)) => {
                self.put_through(key, Box::pin(Ending::new(body, at, End::Stall)), hint).await
            }
            Some(Fault::LandsLate(after)) => self.put_late(key, body, (hint, after)).await,
            Some(_) => Err(misfit()),
        }
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let ending = match self.enter(Point::Get, Some(key)).await? {
            None => None,
            Some(Fault::BreaksAt(at)) => Some((at, End::Break)),
            Some(Fault::StallsAt(at)) => Some((at, End::Stall)),
            Some(_) => return Err(misfit()),
        };
        let found = self.inner.get(key, range).await?;
        Ok(found.map(|BlobRead { size, body }| match ending {
            None => BlobRead { size, body },
            Some((left, end)) => BlobRead { size, body: Box::pin(Ending::new(body, left, end)) },
        }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        self.enter_plainly(Point::Head, Some(key)).await?;
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let fault = self.enter(Point::Delete, Some(key)).await?;
        if fault.is_some_and(|fault| fault != Fault::AnswerLost) {
            return Err(misfit());
        }
        self.inner.delete(key).await?;
        self.changes.lock().deleted(key);
        if fault.is_some() { Err(answer_lost()) } else { Ok(()) }
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        let unseen = match self.enter(Point::List, None).await? {
            None => 0,
            Some(Fault::Stale(unseen)) => unseen,
            Some(_) => return Err(misfit()),
        };
        let mut page = self.inner.list(bid, after).await?;
        self.changes.lock().take_back(bid, unseen, &mut page);
        Ok(page)
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        self.enter_plainly(Point::Buckets, None).await?;
        self.inner.buckets().await
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        let fault = self.enter(Point::Copy, Some(to)).await?;
        if fault.is_some_and(|fault| fault != Fault::AnswerLost) {
            return Err(misfit());
        }
        let copied = self.inner.copy(from, to).await?;
        if let Some(stored) = &copied {
            self.changes.lock().stored(to, stored.size);
        }
        if fault.is_some() { Err(answer_lost()) } else { Ok(copied) }
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        self.enter_plainly(Point::ForgetBucket, None).await?;
        self.inner.forget_bucket(bid).await
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        self.enter_plainly(Point::Deployment, None).await?;
        self.inner.deployment().await
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        let fault = self.enter(Point::Bind, None).await?;
        if fault.is_some_and(|fault| fault != Fault::AnswerLost) {
            return Err(misfit());
        }
        let bound = self.inner.bind(deployment).await?;
        if fault.is_some() { Err(answer_lost()) } else { Ok(bound) }
    }

    fn facts(&self) -> Facts {
        self.inner.facts()
    }
}

#[cfg(test)]
mod tests;
