//! The memory engine, counted, walked step by step, and with commits that fail on purpose.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use terrace_high_volume::counts::{CountingKv, Scope};
use terrace_high_volume::memory::MemoryKv;
use terrace_high_volume::{
    Begin, CatalogVersion, Commit, Conflict, Facts, Key, KeyRange, Kv, KvError, KvErrorKind, Mutation, Page,
    RangeOptions, Read, Transaction, Version,
};

use super::steps::Steps;

/// What a commit meets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is committed, and the error says so.
    Refused(KvErrorKind),
    /// It is committed so much later.
    Slow(Duration),
    /// It is committed, and the answer is lost.
    AnswerLost { settled: bool },
    /// Nothing is committed, and the error does not know.
    Vanished { settled: bool },
    /// The error does not know, and it is tried when the next commit of anybody begins.
    LandsBeforeNext,
    /// The error does not know, and it is tried when the test says so.
    LandsLate,
}

type Wanted = Box<dyn Fn(&str) -> bool + Send>;

struct Strike {
    /// Asked with the letters of the families that the commit writes, in order.
    wanted: Wanted,
    fault: Fault,
    times: u64,
}

#[derive(Default)]
struct State {
    strikes: Vec<Strike>,
    before_next: Vec<Box<dyn Transaction>>,
    late: Vec<Box<dyn Transaction>>,
    struck: u64,
    cut: Cut,
}

/// Whether the engine can be reached.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Cut {
    #[default]
    No,
    AfterStrike,
    Now,
}

pub(crate) struct TestKv {
    memory: Arc<MemoryKv>,
    inner: CountingKv,
    may_lose_answers: bool,
    steps: Arc<Steps>,
    state: Arc<Mutex<State>>,
    trip_ms: Arc<AtomicU64>,
}

impl TestKv {
    pub(crate) fn new(memory: Arc<MemoryKv>, may_lose_answers: bool, steps: Arc<Steps>) -> Self {
        Self {
            inner: CountingKv::new(Arc::clone(&memory) as _),
            memory,
            may_lose_answers,
            steps,
            state: Arc::default(),
            trip_ms: Arc::default(),
        }
    }

    pub(crate) fn may_lose_answers(&self) -> bool {
        self.may_lose_answers
    }

    /// From now on each round trip takes so long: that to a transaction's read version, each read, each commit that writes.
    pub(crate) fn trip(&self, ms: u64) {
        self.trip_ms.store(ms, Ordering::SeqCst);
    }

    /// The next commit for which `wanted` holds meets `fault`.
    pub(crate) fn strike(&self, wanted: impl Fn(&str) -> bool + Send + 'static, fault: Fault) {
        self.strike_times(wanted, fault, 1);
    }

    /// The next `times` of them do.
    pub(crate) fn strike_times(
        &self,
        wanted: impl Fn(&str) -> bool + Send + 'static,
        fault: Fault,
        times: u64,
    ) {
        self.state.lock().strikes.push(Strike { wanted: Box::new(wanted), fault, times });
    }

    /// From the next strike on the engine cannot be reached, until it is mended.
    pub(crate) fn cut_after_strike(&self) {
        self.state.lock().cut = Cut::AfterStrike;
    }

    /// The engine cannot be reached, until it is mended.
    pub(crate) fn cut(&self) {
        self.state.lock().cut = Cut::Now;
    }

    pub(crate) fn mend(&self) {
        self.state.lock().cut = Cut::No;
    }

    pub(crate) fn no_more_strikes(&self) {
        self.state.lock().strikes.clear();
    }

    /// How many commits met a fault since the last call of [`struck`](Self::struck).
    pub(crate) fn strikes(&self) -> u64 {
        self.state.lock().struck
    }

    /// How many commits met a fault since the last call.
    pub(crate) fn struck(&self) -> u64 {
        std::mem::take(&mut self.state.lock().struck)
    }

    /// Counts what is asked from here on.
    pub(crate) fn count(&self) -> Scope {
        self.inner.scope()
    }

    /// Tries the commits that were to land late; what became of each.
    pub(crate) async fn land_late(&self) -> Vec<Result<Commit, KvErrorKind>> {
        let late = std::mem::take(&mut self.state.lock().late);
        let mut landed = Vec::new();
        for transaction in late {
            landed.push(transaction.commit().await.map_err(|error| error.kind()));
        }
        landed
    }

    /// All rows, past the counters.
    pub(crate) async fn rows(&self) -> Vec<(Key, Bytes)> {
        let transaction = self.memory.begin(Begin::default()).await.unwrap();
        let options = RangeOptions { limit: 1_000_000, reverse: false, read: Read::Snapshot };
        let page = transaction.range(KeyRange::new("", vec![0xFF]), options).await.unwrap();
        assert!(!page.more);
        page.rows
    }

    /// Writes a row behind the store's back.
    pub(crate) async fn plant(&self, mutation: Mutation) {
        let transaction = self.memory.begin(Begin::default()).await.unwrap();
        transaction.mutate(mutation);
        transaction.commit().await.unwrap();
    }
}

#[async_trait]
impl Kv for TestKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        self.steps.step().await;
        reachable(&self.state)?;
        let inner = self.inner.begin(options).await?;
        let (steps, state) = (Arc::clone(&self.steps), Arc::clone(&self.state));
        let (trip_ms, has_version) = (Arc::clone(&self.trip_ms), AtomicBool::new(false));
        Ok(Box::new(Tested { inner, steps, state, wrote: Mutex::default(), trip_ms, has_version }))
    }

    fn facts(&self) -> Facts {
        Facts { may_lose_answers: self.may_lose_answers, ..self.inner.facts() }
    }

    async fn close(&self) -> Result<(), KvError> {
        self.inner.close().await
    }
}

struct Tested {
    inner: Box<dyn Transaction>,
    steps: Arc<Steps>,
    state: Arc<Mutex<State>>,
    wrote: Mutex<BTreeSet<char>>,
    trip_ms: Arc<AtomicU64>,
    has_version: AtomicBool,
}

impl Tested {
    async fn trip(&self) {
        let ms = self.trip_ms.load(Ordering::SeqCst);
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    async fn version(&self) {
        if !self.has_version.swap(true, Ordering::SeqCst) {
            self.trip().await;
        }
    }
}

fn reachable(state: &Mutex<State>) -> Result<(), KvError> {
    match state.lock().cut {
        Cut::Now => Err(KvError::new(KvErrorKind::Unavailable, "reach an engine that was cut off")),
        Cut::No | Cut::AfterStrike => Ok(()),
    }
}

fn unknown(settled: bool) -> KvError {
    KvError::new(KvErrorKind::MaybeCommitted { settled }, "wait for an answer that was taken away")
}

#[async_trait]
impl Transaction for Tested {
    async fn read_version(&self) -> Result<Version, KvError> {
        self.version().await;
        self.inner.read_version().await
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        self.inner.catalog_version().await
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        self.steps.step().await;
        reachable(&self.state)?;
        self.version().await;
        self.trip().await;
        self.inner.get_many(keys, read).await
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        self.steps.step().await;
        reachable(&self.state)?;
        self.version().await;
        self.trip().await;
        self.inner.range(range, options).await
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        self.inner.conflict(range, kind);
    }

    fn mutate(&self, mutation: Mutation) {
        let key = match &mutation {
            Mutation::Set { key, .. }
            | Mutation::Clear { key }
            | Mutation::Add { key, .. }
            | Mutation::SetStampedKey { key, .. }
            | Mutation::SetStampedValue { key, .. } => Some(key),
            Mutation::ClearRange { range } => Some(&range.begin),
            Mutation::BumpCatalog => None,
        };
        self.wrote.lock().extend(key.and_then(|key| key.first()).map(|byte| char::from(*byte)));
        self.inner.mutate(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        if !self.wrote.lock().is_empty() {
            self.trip().await;
        }
        let Self { inner, steps, state, wrote, .. } = *self;
        steps.step().await;
        reachable(&state)?;
        let wrote: String = wrote.into_inner().into_iter().collect();
        let landing = std::mem::take(&mut state.lock().before_next);
        for earlier in landing {
            // What became of it is the test's to find out from the rows.
            let _landed_or_not = earlier.commit().await;
        }
        let fault = {
            let mut state = state.lock();
            let at = state.strikes.iter().position(|strike| strike.times > 0 && (strike.wanted)(&wrote));
            state.struck += u64::from(at.is_some());
            if at.is_some() && state.cut == Cut::AfterStrike {
                state.cut = Cut::Now;
            }
            at.and_then(|at| state.strikes.get_mut(at)).map(|strike| {
                strike.times -= 1;
                strike.fault
            })
        };
        let outcome = match fault {
            None => inner.commit().await,
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                inner.commit().await
            }
            Some(Fault::Refused(kind)) => Err(KvError::new(kind, "commit what was to be refused")),
            Some(Fault::AnswerLost { settled }) => inner.commit().await.and(Err(unknown(settled))),
            Some(Fault::Vanished { settled }) => Err(unknown(settled)),
            Some(Fault::LandsBeforeNext) => {
                state.lock().before_next.push(inner);
                Err(unknown(false))
            }
            Some(Fault::LandsLate) => {
                state.lock().late.push(inner);
                Err(unknown(false))
            }
        };
        steps.step().await;
        outcome
    }
}
