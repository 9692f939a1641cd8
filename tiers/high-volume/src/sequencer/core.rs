//! The one place where commits happen, one batch after the other: check, stamp, resolve, apply, publish.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use terrace_runtime::Clock;

use super::engine::{ApplyError, Batch, Engine};
use super::limits::READ_LIFE;
use super::resolve::Resolver;
use super::transaction::Pending;
use super::window::Window;
use crate::error::KvError;
use crate::kv::{CatalogVersion, Commit, Stamp, Version};
use crate::range::Key;

/// Most published versions whose readers are followed; readers of older ones are told `TooOld`.
const MAX_OPEN: usize = 65_536;

/// A version that can be read at, shared by every transaction that began while it was the last one.
pub(super) struct Published<E: Engine> {
    pub(super) version: Version,
    pub(super) catalog: CatalogVersion,
    pub(super) snapshot: E::Snapshot,
}

/// A transaction that asks for its commit. Holds its read point, so that the window keeps what it must be checked against.
pub(super) struct Request<E: Engine> {
    pub(super) published: Arc<Published<E>>,
    pub(super) pending: Pending,
    pub(super) always_sync: bool,
    pub(super) bytes: usize,
}

/// State of the committer; one owner at a time.
pub(super) struct Core<E: Engine> {
    pub(super) engine: Arc<E>,
    clock: Arc<dyn Clock>,
    window: Window,
    published: Arc<Published<E>>,
    /// Versions published before the current one, oldest first, with the time at which each was replaced.
    open: VecDeque<(Version, Weak<Published<E>>, Duration)>,
    /// The last version handed out, whether or not its batch was applied.
    last: Version,
}

/// What became of a batch.
pub(super) enum Outcome<E: Engine> {
    /// Each request has its answer.
    Settled(Settled<E>),
    /// Nobody knows: no answer may be given.
    Fatal(ApplyError),
}

/// A batch that is over.
pub(super) struct Settled<E: Engine> {
    /// One for each request, in their order.
    pub(super) answers: Vec<Result<Commit, KvError>>,
    /// What to publish before they are given; `None` if nothing was written.
    pub(super) published: Option<Arc<Published<E>>>,
    /// Whether what was written is on stable storage.
    pub(super) durable: bool,
}

impl<E: Engine> Core<E> {
    pub(super) fn new(
        engine: Arc<E>,
        clock: Arc<dyn Clock>,
        version: Version,
        catalog: CatalogVersion,
    ) -> Self {
        let published = Arc::new(Published { version, catalog, snapshot: engine.snapshot() });
        let window = Window::above(version);
        Self { engine, clock, window, published, open: VecDeque::new(), last: version }
    }

    pub(super) fn published(&self) -> &Arc<Published<E>> {
        &self.published
    }

    /// Commits what can be committed of `requests` (at most 65,536) under one version.
    pub(super) fn commit(&mut self, requests: Vec<Request<E>>, always: bool) -> Outcome<E> {
        self.forget_closed();
        let version = Version(self.clock.wall().saturating_mul(1_000).max(self.last.0 + 1));
        self.last = version;
        let mut rows = BTreeMap::new();
        let mut catalog = self.published.catalog;
        let mut durable = always;
        let mut answers = Vec::with_capacity(requests.len());
        for (order, request) in (0_u16..).zip(requests) {
            let stamp = stamp(version, order);
            let answer = self.one(request.published.version, request.pending, stamp, &mut rows);
            answers.push(answer.map(|moves_catalog| {
                if moves_catalog {
                    catalog = CatalogVersion(stamp);
                }
                durable |= request.always_sync;
                Commit { version, stamp }
            }));
        }
        if answers.iter().all(Result::is_err) {
            return Outcome::Settled(Settled { answers, published: None, durable });
        }
        match self.engine.apply(Batch { version, catalog, rows }, durable) {
            Ok(()) => {
                let published = Some(self.publish(version, catalog));
                Outcome::Settled(Settled { answers, published, durable })
            }
            Err(ApplyError::Refused(cause)) => {
                Outcome::Settled(Settled { answers: refuse(answers, &cause), published: None, durable })
            }
            Err(fatal) => Outcome::Fatal(fatal),
        }
    }

    /// Checks and resolves one transaction; on an error `rows` is as before. `true` if it moves the catalog's version.
    fn one(
        &mut self,
        read: Version,
        pending: Pending,
        stamp: Stamp,
        rows: &mut BTreeMap<Key, Option<Bytes>>,
    ) -> Result<bool, KvError> {
        self.window.check(read, &pending.read_keys, &pending.read_ranges)?;
        let mut resolver = Resolver::new(rows, &self.published.snapshot, stamp);
        for mutation in pending.mutations {
            resolver.mutation(mutation)?;
        }
        let resolved = resolver.finish();
        let version = self.last;
        for key in resolved.rows.keys() {
            self.window.key(version, key.clone());
        }
        for range in resolved.cleared.into_iter().chain(pending.write_ranges) {
            self.window.range(version, range);
        }
        rows.extend(resolved.rows);
        Ok(resolved.moves_catalog)
    }

    fn publish(&mut self, version: Version, catalog: CatalogVersion) -> Arc<Published<E>> {
        let next = Arc::new(Published { version, catalog, snapshot: self.engine.snapshot() });
        let replaced = std::mem::replace(&mut self.published, Arc::clone(&next));
        self.open.push_back((replaced.version, Arc::downgrade(&replaced), self.clock.monotonic()));
        next
    }

    /// Moves the window's floor up to the lowest version at which a transaction that may still commit has read.
    fn forget_closed(&mut self) {
        let now = self.clock.monotonic();
        while let Some((_, reader, replaced)) = self.open.front() {
            // Whoever reads at a replaced version took it before it was replaced.
            let over = now.saturating_sub(*replaced) > READ_LIFE;
            if reader.strong_count() > 0 && !over && self.open.len() <= MAX_OPEN {
                break;
            }
            self.open.pop_front();
        }
        let oldest = self.open.front().map_or(self.published.version, |(version, ..)| *version);
        self.window.prune(oldest);
    }
}

fn stamp(version: Version, order: u16) -> Stamp {
    let mut bytes = [0; 10];
    let (high, low) = bytes.split_at_mut(8);
    high.copy_from_slice(&version.0.to_be_bytes());
    low.copy_from_slice(&order.to_be_bytes());
    Stamp(bytes)
}

fn refuse(
    answers: Vec<Result<Commit, KvError>>,
    cause: &Arc<dyn std::error::Error + Send + Sync>,
) -> Vec<Result<Commit, KvError>> {
    answers.into_iter().map(|answer| answer.and_then(|_| Err(super::refused(cause)))).collect()
}
