//! A [`Kv`] on top of another that fails as a plan says: how a simulation makes a store meet every outcome a database can have.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use terrace_runtime::Tasks;

use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, CatalogVersion, Commit, Facts, Kv, Transaction, Version};
use crate::mutation::{Conflict, Mutation};
use crate::range::{Key, KeyRange, Page, RangeOptions, Read};

/// Where something can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// [`Kv::begin`].
    Begin,
    /// [`Transaction::read_version`].
    ReadVersion,
    /// [`Transaction::catalog_version`].
    CatalogVersion,
    /// [`Transaction::get_many`].
    Get,
    /// [`Transaction::range`].
    Range,
    /// [`Transaction::commit`] of a transaction that writes. One that only reads always commits.
    Commit,
}

const POINTS: usize = 6;

/// What goes wrong before the call reaches the store below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails and nothing happens below. With `MaybeCommitted` at a commit: the caller cannot know that nothing happened.
    Fail(KvErrorKind),
    /// It goes on after a while (`tokio::time`).
    Slow(Duration),
    /// It never comes back.
    Stall,
}

/// What goes wrong with a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// As at any other point.
    Before(Fault),
    /// The commit is carried out, with whatever outcome, and answered by `MaybeCommitted { settled: true }`.
    LoseAnswer,
    /// Answered at once by `MaybeCommitted { settled: false }`; carried out after this long, if it still can be.
    LandLate(Duration),
}

/// Decides what goes wrong. Called at each visit of a point, in the order of the visits.
pub trait Plan: Send + Sync {
    /// For every point but the commit.
    fn at(&self, point: Point) -> Fault;

    /// For commits that write.
    fn at_commit(&self) -> CommitFault;

    /// Whether a commit may be answered by `MaybeCommitted`; goes into [`Facts`].
    fn may_lose_answers(&self) -> bool;
}

/// A plan without faults.
#[derive(Clone, Copy, Debug)]
pub struct NoFaults;

impl Plan for NoFaults {
    fn at(&self, _point: Point) -> Fault {
        Fault::None
    }

    fn at_commit(&self) -> CommitFault {
        CommitFault::Before(Fault::None)
    }

    fn may_lose_answers(&self) -> bool {
        false
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct FaultyKv {
    inner: Arc<dyn Kv>,
    shared: Arc<Shared>,
}

struct Shared {
    plan: Arc<dyn Plan>,
    tasks: Tasks,
    visits: [AtomicU64; POINTS],
    faults: [AtomicU64; POINTS],
}

impl FaultyKv {
    /// `inner` with the faults of `plan`. Commits that land late run as operations of `tasks`.
    #[must_use]
    pub fn new(inner: Arc<dyn Kv>, plan: Arc<dyn Plan>, tasks: Tasks) -> Self {
        let (visits, faults) = Default::default();
        Self { inner, shared: Arc::new(Shared { plan, tasks, visits, faults }) }
    }

    /// How often a point was reached.
    #[must_use]
    pub fn visits(&self, point: Point) -> u64 {
        self.shared.visits[point as usize].load(Ordering::Relaxed)
    }

    /// How often something went wrong there.
    #[must_use]
    pub fn faults(&self, point: Point) -> u64 {
        self.shared.faults[point as usize].load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn visit(&self, point: Point) -> Result<(), KvError> {
        self.visits[point as usize].fetch_add(1, Ordering::Relaxed);
        self.suffer(point, self.plan.at(point)).await
    }

    async fn suffer(&self, point: Point, fault: Fault) -> Result<(), KvError> {
        if fault != Fault::None {
            self.faults[point as usize].fetch_add(1, Ordering::Relaxed);
        }
        match fault {
            Fault::None => {}
            Fault::Fail(kind) => return Err(injected(kind)),
            Fault::Slow(time) => tokio::time::sleep(time).await,
            Fault::Stall => std::future::pending().await,
        }
        Ok(())
    }
}

fn injected(kind: KvErrorKind) -> KvError {
    KvError::new(kind, "injected by a plan of faults")
}

#[async_trait]
impl Kv for FaultyKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        self.shared.visit(Point::Begin).await?;
        let inner = self.inner.begin(options).await?;
        Ok(Box::new(Faulty { inner, shared: Arc::clone(&self.shared), writes: AtomicBool::new(false) }))
    }

    fn facts(&self) -> Facts {
        let facts = self.inner.facts();
        Facts { may_lose_answers: facts.may_lose_answers || self.shared.plan.may_lose_answers(), ..facts }
    }

    async fn close(&self) -> Result<(), KvError> {
        self.inner.close().await
    }
}

struct Faulty {
    inner: Box<dyn Transaction>,
    shared: Arc<Shared>,
    writes: AtomicBool,
}

#[async_trait]
impl Transaction for Faulty {
    async fn read_version(&self) -> Result<Version, KvError> {
        self.shared.visit(Point::ReadVersion).await?;
        self.inner.read_version().await
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        self.shared.visit(Point::CatalogVersion).await?;
        self.inner.catalog_version().await
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        self.shared.visit(Point::Get).await?;
        self.inner.get_many(keys, read).await
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        self.shared.visit(Point::Range).await?;
        self.inner.range(range, options).await
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        if kind == Conflict::Write {
            self.writes.store(true, Ordering::Relaxed);
        }
        self.inner.conflict(range, kind);
    }

    fn mutate(&self, mutation: Mutation) {
        self.writes.store(true, Ordering::Relaxed);
        self.inner.mutate(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        let Self { inner, shared, writes } = *self;
        if !writes.into_inner() {
            return inner.commit().await;
        }
        let point = Point::Commit as usize;
        shared.visits[point].fetch_add(1, Ordering::Relaxed);
        match shared.plan.at_commit() {
            CommitFault::Before(fault) => {
                shared.suffer(Point::Commit, fault).await?;
                inner.commit().await
            }
            CommitFault::LoseAnswer => {
                shared.faults[point].fetch_add(1, Ordering::Relaxed);
                let lost = inner.commit().await;
                Err(match lost {
                    Ok(_) => injected(KvErrorKind::MaybeCommitted { settled: true }),
                    Err(cause) => KvError::caused(
                        KvErrorKind::MaybeCommitted { settled: true },
                        "injected by a plan of faults",
                        cause,
                    ),
                })
            }
            CommitFault::LandLate(time) => {
                shared.faults[point].fetch_add(1, Ordering::Relaxed);
                drop(shared.tasks.operation("late commit", async move {
                    tokio::time::sleep(time).await;
                    if let Err(error) = inner.commit().await {
                        tracing::debug!(?error, "a late commit did not land");
                    }
                }));
                Err(injected(KvErrorKind::MaybeCommitted { settled: false }))
            }
        }
    }
}
