//! Every engine call as a step at which a test may look, or at which the process may end.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

/// Counts the engine calls of all tasks. Off: they run through. On: each gives way to the other tasks first, and the one that the test chose
/// never comes back.
#[derive(Default)]
pub(crate) struct Steps {
    /// Steps until the end; 0 = off, `u64::MAX` = no end.
    left: AtomicU64,
    ended: Notify,
}

impl Steps {
    /// From now on every engine call gives way.
    pub(crate) fn walk(&self) {
        self.left.store(u64::MAX, Ordering::SeqCst);
    }

    /// As [`walk`](Self::walk); step number `last` (from 1) is never finished.
    pub(crate) fn end_at(&self, last: u64) {
        self.left.store(last, Ordering::SeqCst);
    }

    pub(crate) fn run(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Ends when the chosen step has been reached.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    pub(crate) async fn step(&self) {
        match self.left.load(Ordering::SeqCst) {
            0 => {}
            1 => {
                self.ended.notify_one();
                std::future::pending::<()>().await;
            }
            u64::MAX => tokio::task::yield_now().await,
            left => {
                self.left.store(left - 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Polls `act` at most `polls` times, with turns for all other tasks in between. Its outcome, if it has ended.
pub(crate) async fn polled<F: Future>(mut act: Pin<&mut F>, polls: u64) -> Option<F::Output> {
    for _ in 0..polls {
        if let Poll::Ready(outcome) = futures::poll!(act.as_mut()) {
            return Some(outcome);
        }
        tokio::task::yield_now().await;
    }
    None
}
