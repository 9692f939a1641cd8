//! The retry loop: one for every engine. It owns backoff, the deadline, and what follows a commit whose answer was lost, so that a piece
//! of [`Work`] is written as if a commit either happened or did not.
//!
//! On an engine that can lose an answer every write sets a witness row `T node id = Committed` in its own transaction and reads none of
//! it ahead (data model, section 2, "Idempotency under 1021"). After a lost answer the loop reads the witness before it runs the work
//! again; if the old attempt may still be in flight it first commits a write conflict on the witness, behind which the old attempt can no
//! longer land, because it carries a read conflict on that row (section 0.3).

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use terrace_high_volume::{
    Begin, Conflict, Key, KeyRange, KvError, KvErrorKind, Mutation, Page, Priority, RangeOptions, Read,
    Transaction,
};
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::{Error, Failure, FailureKind, Refusal};
use crate::name::Revision;
use crate::rows;
use crate::rows::ticket::{State, Ticket};
use crate::store::Store;

/// Why an attempt ended without a result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client's to know; final.
    Refused(Refusal),
    /// The engine's; the loop decides.
    Kv(KvError),
    /// The operator's; final.
    Failed(Failure),
}

impl Stop {
    /// What the engine said; what is final comes back as the error.
    fn of_engine(self) -> Result<KvError, Error> {
        match self {
            Self::Refused(refusal) => Err(refusal.into()),
            Self::Failed(failure) => Err(failure.into()),
            Self::Kv(error) => Ok(error),
        }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<KvError> for Stop {
    fn from(error: KvError) -> Self {
        Self::Kv(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<rows::Damaged> for Stop {
    fn from(damaged: rows::Damaged) -> Self {
        Self::Failed(Failure::new(FailureKind::Corrupt, "read a row", "high-volume").because(damaged))
    }
}

/// How an attempt ended.
pub(crate) enum Step<T> {
    /// It wrote something: commit.
    Write(T),
    /// There is nothing to write: no commit.
    Done(T),
}

/// A write, run until it is committed. An attempt reads, decides and mutates; it must not have effects outside the transaction.
pub(crate) trait Work: Send {
    /// What a commit makes true.
    type Output: Send;

    /// One attempt.
    fn attempt<'a>(
        &'a mut self,
        txn: &'a dyn Transaction,
    ) -> impl Future<Output = Result<Step<Self::Output>, Stop>> + Send + 'a;
}

/// How a write is run.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// What the log calls it.
    pub(crate) operation: &'static str,
    /// The id of the operation, minted once however often it is tried: its witness.
    pub(crate) id: Revision,
    /// How the transactions begin.
    pub(crate) begin: Begin,
}

impl Run {
    /// A client's write.
    pub(crate) fn client(operation: &'static str, id: Revision) -> Self {
        Self { operation, id, begin: Begin::default() }
    }

    /// A write that must be synced before it is acknowledged, whatever the durability setting.
    pub(crate) fn synced(mut self) -> Self {
        self.begin.always_sync = true;
        self
    }

    /// A janitor's write.
    pub(crate) fn background(mut self) -> Self {
        self.begin.priority = Priority::Batch;
        self
    }
}

/// Most witness rows that one transaction clears.
const CLEARED_AT_ONCE: usize = 32;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Witness rows of operations that have settled, to be cleared by the next writes of this node.
#[derive(Default)]
pub(crate) struct Witnesses {
    settled: Mutex<VecDeque<Key>>,
}

/// A commit whose answer was lost: what it would have made true, and whether it can still land.
struct Lost<T> {
    output: T,
    in_flight: bool,
}

impl Store {
    /// Runs a write until it is committed, refused, or out of time.
    pub(crate) async fn write<W: Work>(&self, run: Run, work: &mut W) -> Result<W::Output, Error> {
        let started = self.clock.monotonic();
        let mut pause = FIRST_PAUSE;
        let mut lost = None;
        loop {
            let stop = match self.attempt(run, work, &mut lost).await {
                Ok(output) => return Ok(output),
                Err(stop) => stop,
            };
            let error = stop.of_engine()?;
            let out_of_time = self.clock.monotonic() - started >= self.settings.deadline;
            if out_of_time || !may_be_tried_again(error.kind()) {
                let kind = match (&lost, may_be_tried_again(error.kind())) {
                    (Some(_), _) => FailureKind::MaybeCommitted,
                    (None, true) => FailureKind::TimedOut,
                    (None, false) => kind_of(error.kind()),
                };
                return Err(Failure::new(kind, run.operation, self.facts.name).because(error).into());
            }
            tokio::time::sleep(self.jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One attempt, and before it the question whether an earlier one was committed.
    async fn attempt<W: Work>(
        &self,
        run: Run,
        work: &mut W,
        lost: &mut Option<Lost<W::Output>>,
    ) -> Result<W::Output, Stop> {
        let witness = self.facts.may_lose_answers.then(|| rows::ticket::key(self.node, run.id));
        if let Some(earlier) = lost
            && earlier.in_flight
        {
            self.barrier(run, witness.as_ref()).await?;
            earlier.in_flight = false;
        }
        let txn = self.kv.begin(run.begin).await?;
        if let (Some(earlier), Some(key)) = (lost.take(), &witness) {
            match self.committed(&*txn, key).await {
                Ok(true) if !(is_planted(Bug::PutLandsAfterDelete) && run.operation == "put object") => {
                    self.witnesses.settled.lock().push_back(key.clone());
                    return Ok(earlier.output);
                }
                // A recovery takes witnesses away, but only behind the fence: without one this attempt can no longer be told from one that never was.
                Ok(false) if self.fences.is_fenced(self.node) && !is_planted(Bug::FencedNodeRunsAgain) => {
                    let what = "find the witness of a write (its node was declared dead)";
                    return Err(Failure::new(FailureKind::MaybeCommitted, what, self.facts.name).into());
                }
                Ok(_) => {}
                Err(stop) => {
                    *lost = Some(earlier);
                    return Err(stop);
                }
            }
        }
        let output = match work.attempt(&*txn).await? {
            Step::Done(output) => return Ok(output),
            Step::Write(output) => output,
        };
        let Some(witness) = witness else {
            txn.commit().await?;
            return Ok(output);
        };
        let cleared = self.bear_witness(&*txn, &witness);
        match txn.commit().await {
            Ok(_) => {
                self.witnesses.settled.lock().push_back(witness);
                Ok(output)
            }
            Err(error) => {
                self.witnesses.settled.lock().extend(cleared);
                if let KvErrorKind::MaybeCommitted { settled } = error.kind()
                    && !is_planted(Bug::UnknownCommitIsLost)
                {
                    *lost = Some(Lost { output, in_flight: !settled });
                }
                Err(error.into())
            }
        }
    }

    /// Puts the witness into a transaction, and takes rows of settled operations out. Returns those.
    fn bear_witness(&self, txn: &dyn Transaction, witness: &Key) -> Vec<Key> {
        txn.conflict(KeyRange::single(witness), Conflict::Read);
        txn.mutate(Mutation::Set { key: witness.clone(), value: Ticket::witness().encode() });
        let mut settled = self.witnesses.settled.lock();
        let count = settled.len().min(CLEARED_AT_ONCE);
        let cleared: Vec<Key> = settled.drain(..count).collect();
        for key in &cleared {
            txn.mutate(Mutation::Clear { key: key.clone() });
        }
        cleared
    }

    async fn committed(&self, txn: &dyn Transaction, witness: &Key) -> Result<bool, Stop> {
        let row = get(txn, witness, Read::Serializable).await?;
        Ok(match row {
            Some(value) => Ticket::decode(&value)?.state == State::Committed,
            None => is_planted(Bug::ThirdRevisionIsSuccess),
        })
    }

    /// Returns once no earlier attempt of this operation can land any more: a transaction with nothing but a write conflict on the witness
    /// has certainly been committed.
    async fn barrier(&self, run: Run, witness: Option<&Key>) -> Result<(), Stop> {
        let Some(witness) = witness else { return Ok(()) };
        let txn = self.kv.begin(run.begin).await?;
        txn.conflict(KeyRange::single(witness), Conflict::Write);
        txn.commit().await?;
        Ok(())
    }

    /// Clears the witness rows of settled operations: the last write of a stop. What cannot be cleared is left to the next recovery.
    pub(crate) async fn clear_witnesses(&self) -> Result<(), Error> {
        struct Nothing;
        impl Work for Nothing {
            type Output = ();
            async fn attempt(&mut self, _: &dyn Transaction) -> Result<Step<()>, Stop> {
                Ok(Step::Write(()))
            }
        }
        // Each write leaves its own witness behind: stop when those are all that is left.
        while self.witnesses.settled.lock().len() > 1 {
            self.write(Run::client("clear witnesses", self.mint()).background(), &mut Nothing).await?;
        }
        Ok(())
    }

    /// A time between half of `pause` and all of it.
    fn jitter(&self, pause: Duration) -> Duration {
        let half = pause / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_nanos(self.ids.random() % nanos)
    }

    /// Runs a read at one version, again from a fresh one when the version has grown too old.
    pub(crate) async fn read<R: Reading>(
        &self,
        operation: &'static str,
        reading: &mut R,
    ) -> Result<R::Output, Error> {
        let started = self.clock.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let stop = match self.kv.begin(Begin::default()).await {
                Ok(txn) => match reading.attempt(&*txn).await {
                    Ok(output) => return Ok(output),
                    Err(stop) => stop,
                },
                Err(error) => Stop::Kv(error),
            };
            let error = stop.of_engine()?;
            let out_of_time = self.clock.monotonic() - started >= self.settings.deadline;
            if out_of_time || !may_be_tried_again(error.kind()) {
                return Err(Failure::new(kind_of(error.kind()), operation, self.facts.name)
                    .because(error)
                    .into());
            }
            tokio::time::sleep(self.jitter(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// A read of several rows at one version.
pub(crate) trait Reading: Send {
    /// What was read.
    type Output: Send;

    /// One attempt.
    fn attempt<'a>(
        &'a mut self,
        txn: &'a dyn Transaction,
    ) -> impl Future<Output = Result<Self::Output, Stop>> + Send + 'a;
}

/// One row.
pub(crate) async fn get(txn: &dyn Transaction, key: &Key, read: Read) -> Result<Option<Bytes>, KvError> {
    Ok(txn.get_many(std::slice::from_ref(key), read).await?.pop().flatten())
}

/// The first rows of a range.
pub(crate) async fn first(
    txn: &dyn Transaction,
    range: KeyRange,
    limit: usize,
    read: Read,
) -> Result<Page, KvError> {
    txn.range(range, RangeOptions { limit, reverse: false, read }).await
}

/// Whether running again can help.
fn may_be_tried_again(kind: KvErrorKind) -> bool {
    match kind {
        KvErrorKind::Conflict
        | KvErrorKind::TooOld
        | KvErrorKind::MaybeCommitted { .. }
        | KvErrorKind::Throttled
        | KvErrorKind::Unavailable => true,
        KvErrorKind::TooLarge | KvErrorKind::Bug => false,
    }
}

/// The one table from an engine's kind to a failure's.
fn kind_of(kind: KvErrorKind) -> FailureKind {
    match kind {
        KvErrorKind::Conflict | KvErrorKind::TooOld => FailureKind::TimedOut,
        KvErrorKind::MaybeCommitted { .. } => FailureKind::MaybeCommitted,
        KvErrorKind::Throttled => FailureKind::Throttled,
        KvErrorKind::Unavailable => FailureKind::Unavailable,
        KvErrorKind::TooLarge | KvErrorKind::Bug => FailureKind::Bug,
    }
}
