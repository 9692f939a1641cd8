//! What decides, counts and records the course of a run.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use terrace_runtime::{Clock, SystemClock, origin};
use tokio::sync::Notify;

use crate::faults::{Fault, Operation, Tally, Touch, names_of_operations};
use crate::random::Random;
use crate::report::{Options, Violation};
use crate::trace::Trace;

/// Shared by everything in a run.
pub(crate) struct Course {
    clock: SystemClock,
    faults: Random,
    pace: Random,
    /// How many of a thousand visits are struck; 0 from the moment on at which nothing goes wrong any more.
    intensity: AtomicU64,
    /// Whether calls to engines take turns.
    paced: AtomicBool,
    ticks: AtomicU64,
    tally: Mutex<Tally>,
    trace: Mutex<Trace>,
    violations: Mutex<Vec<Violation>>,
    late: Mutex<BTreeSet<[u8; 16]>>,
    trap: Mutex<Trap>,
    given_up: Notify,
    /// A node on which the answer that was lost is lost slowly.
    held: Mutex<Option<u32>>,
}

/// Whether a commit is to be caught on its way, and then where it was.
#[derive(Clone, Copy, Default)]
enum Trap {
    #[default]
    None,
    Set,
    Sprung(u32),
}

impl Course {
    /// The course that a seed makes. Must be called on the runtime of the run.
    pub(crate) fn new(seed: u64, options: &Options) -> Self {
        let choice = Random::new(seed, 1);
        let intensity = if options.faults { *choice.pick(&[0, 10, 20, 40, 80]) } else { 0 };
        Self {
            clock: SystemClock::new(),
            faults: Random::new(seed, 2),
            pace: Random::new(seed, 3),
            intensity: AtomicU64::new(intensity),
            paced: AtomicBool::new(true),
            ticks: AtomicU64::new(0),
            tally: Mutex::default(),
            trace: Mutex::new(Trace::new(options.keep_trace)),
            violations: Mutex::default(),
            late: Mutex::default(),
            trap: Mutex::default(),
            given_up: Notify::new(),
            held: Mutex::default(),
        }
    }

    /// Whether anything may still go wrong.
    pub(crate) fn is_rough(&self) -> bool {
        self.intensity.load(Ordering::Relaxed) > 0
    }

    /// From here on nothing goes wrong, and nobody waits for his turn.
    pub(crate) fn calm(&self) {
        self.intensity.store(0, Ordering::Relaxed);
        self.paced.store(false, Ordering::Relaxed);
    }

    /// Chooses whether the current task meets one of `choices`, and counts it.
    pub(crate) fn strike(&self, choices: &[Fault]) -> Option<Fault> {
        let operation = names_of_operations(origin::origin())?;
        let fault = self.choose_often(choices, operation.boost())?;
        self.count(operation, fault);
        Some(fault)
    }

    /// As [`strike`](Self::strike), for whoever counts by himself once it has come to pass.
    pub(crate) fn choose(&self, choices: &[Fault]) -> Option<Fault> {
        self.choose_often(choices, 1)
    }

    fn choose_often(&self, choices: &[Fault], boost: u64) -> Option<Fault> {
        // A call to the long-term tier is seldom beside one to the other.
        let boost = if choices.first().is_some_and(|fault| fault.strikes().is_long_term()) {
            boost * 3
        } else {
            boost
        };
        let intensity = (self.intensity.load(Ordering::Relaxed) * boost).min(500);
        if choices.is_empty() || intensity == 0 || !self.faults.chance(intensity) {
            return None;
        }
        Some(*self.faults.pick(choices))
    }

    /// A commit soon will be slow, or its answer lost slowly.
    pub(crate) fn set_trap(&self) {
        *self.trap.lock() = Trap::Set;
    }

    /// Whether the commit that the current task begins on `node` is that one, and what it meets: a large write is slow, or any call of a client
    /// loses its answer, slowly.
    pub(crate) fn springs_trap(&self, node: u32) -> Option<Fault> {
        let mut trap = self.trap.lock();
        let operation = names_of_operations(origin::origin())?;
        if !matches!(*trap, Trap::Set) || !operation.touches().contains(&Touch::Call) {
            return None;
        }
        let fault = match self.number(0, 2) {
            0 if operation.may_be_large() => Fault::CommitSlow,
            1 => Fault::CommitAnswerLost,
            _ => return None,
        };
        *trap = Trap::Sprung(node);
        if fault == Fault::CommitAnswerLost {
            *self.held.lock() = Some(node);
        }
        self.count(operation, fault);
        Some(fault)
    }

    /// How long an answer that was lost on `node` keeps whoever waits for it waiting.
    pub(crate) fn held(&self, node: u32) -> Option<Duration> {
        self.held.lock().take_if(|held| *held == node).map(|_| self.time(5, 80))
    }

    /// On which node a commit is slow on purpose; the trap is gone after `last`, or when it has sprung.
    pub(crate) fn sprung(&self, last: bool) -> Option<u32> {
        let mut trap = self.trap.lock();
        let node = match *trap {
            Trap::Sprung(node) => Some(node),
            Trap::None | Trap::Set => None,
        };
        if last || node.is_some() {
            *trap = Trap::None;
        }
        node
    }

    pub(crate) fn count(&self, operation: Operation, fault: Fault) {
        self.tally.lock().count(operation, fault);
        self.note(format_args!("! {} meets {}", operation.name(), fault.name()));
    }

    /// A time from `least` to `most` milliseconds.
    pub(crate) fn time(&self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.faults.between(least, most))
    }

    pub(crate) fn number(&self, least: u64, most: u64) -> u64 {
        self.faults.between(least, most)
    }

    /// The next of the numbers that order calls and answers.
    pub(crate) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets others go first, sometimes: so that every order of engine calls comes to pass.
    pub(crate) async fn pace(&self) {
        if !self.paced.load(Ordering::Relaxed) {
            return;
        }
        match self.pace.below(8) {
            0..=3 => {}
            4 | 5 => tokio::task::yield_now().await,
            6 => tokio::time::sleep(Duration::from_millis(1)).await,
            _ => tokio::time::sleep(Duration::from_millis(self.pace.between(1, 6))).await,
        }
    }

    /// Ends the run. Does not return.
    pub(crate) async fn give_up(&self) {
        self.given_up.notify_one();
        std::future::pending().await
    }

    /// Ready when somebody gave up.
    pub(crate) async fn given_up(&self) {
        self.given_up.notified().await;
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let now = self.clock.monotonic().as_millis();
        self.trace.lock().note(format_args!("{now} {what}"));
    }

    pub(crate) fn violated(&self, oracle: &'static str, what: String) {
        self.note(format_args!("VIOLATED {oracle}: {what}"));
        self.violations.lock().push(Violation { oracle, what });
    }

    /// Remembers a blob that appears behind the back of whoever gave it up.
    pub(crate) fn lands_late(&self, rev: [u8; 16]) {
        self.late.lock().insert(rev);
    }

    pub(crate) fn is_late(&self, rev: &[u8; 16]) -> bool {
        self.late.lock().contains(rev)
    }

    /// Milliseconds since the run began.
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.trace.lock().hash()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.trace.lock().lines()
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.violations.lock().clone()
    }
}
