//! A call that is followed poll by poll, and cut off behind one of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use terrace_store::Error;

use crate::actors::Told;
use crate::faults::{Fault, Operation};
use crate::world::{Engines, Node};

/// How the call is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its client goes away.
    HangUp,
    /// The process ends.
    Crash,
}

/// The first call of `operation` is polled `polls` times, with a turn for everybody else behind each.
pub(crate) struct Cut {
    operation: Operation,
    polls: u64,
    end: End,
    used: AtomicBool,
    ended: AtomicBool,
}

impl Cut {
    pub(crate) fn new(operation: Operation, polls: u64, end: End) -> Self {
        Self { operation, polls, end, used: AtomicBool::new(false), ended: AtomicBool::new(false) }
    }

    /// Whether this is the call.
    pub(crate) fn strikes(&self, operation: Operation) -> bool {
        operation == self.operation && !self.used.swap(true, Ordering::Relaxed)
    }

    /// Whether the call came to its end before it was cut off; `None`: there was no such call.
    pub(crate) fn came_to_its_end(&self) -> Option<bool> {
        self.used.load(Ordering::Relaxed).then(|| self.ended.load(Ordering::Relaxed))
    }

    pub(crate) async fn poll<T>(
        &self,
        engines: &Engines,
        node: &Arc<Node>,
        mut work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Told<T> {
        for poll in 0..self.polls {
            if let Poll::Ready(told) = futures::poll!(work.as_mut()) {
                self.ended.store(true, Ordering::Relaxed);
                return Some(told);
            }
            // Time stands still as long as anybody can go on.
            if poll % 2 == 0 {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        match self.end {
            End::HangUp => engines.course.count(self.operation, Fault::HangUp),
            End::Crash => {
                node.suffers(engines, Fault::Crash);
                node.gate.kill();
                engines.leave(node);
            }
        }
        None
    }
}
