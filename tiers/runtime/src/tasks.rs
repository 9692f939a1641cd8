//! Every task in the background. Three kinds, and what a stop does with each:
//!
//! | kind | what it is | at stop |
//! |---|---|---|
//! | operation | a client's mutation after its body has been received | awaited |
//! | cleanup | the work of a dropped guard | awaited |
//! | worker | a loop with a name and a status | told to stop, then awaited |

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

use crate::origin::{self, carried};
use crate::steps;

/// What a stop does with a task; see the module's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A client's mutation.
    Operation,
    /// The work of a dropped guard.
    Cleanup,
    /// A named loop.
    Worker,
}

/// Owner of all tasks of a process (or of one node of a simulation). Cheap to clone.
#[derive(Clone, Default)]
pub struct Tasks {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    operations: TaskTracker,
    cleanups: TaskTracker,
    workers: TaskTracker,
    stop: CancellationToken,
    running: Mutex<BTreeMap<(Kind, &'static str), usize>>,
    statuses: Mutex<BTreeMap<&'static str, Arc<Mutex<String>>>>,
}

/// What a worker watches to learn that it must end.
#[derive(Clone, Debug)]
pub struct StopSignal {
    token: CancellationToken,
}

/// The line by which a worker tells the operator what it is doing.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    line: Arc<Mutex<String>>,
}

impl Tasks {
    /// An owner with nothing under way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a client's mutation to its end, whether or not the returned handle is awaited. Must be called on a runtime.
    pub fn operation<F>(&self, name: &'static str, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let counted = self.count(Kind::Operation, name);
        let work = async move {
            let _counted = counted;
            work.await
        };
        self.shared.operations.spawn(carried(name, steps::told(steps::current(), work)))
    }

    /// Runs the work of a dropped guard. Outside a runtime nothing is run and `false` comes back: what the guard protects must be
    /// durable elsewhere (a ticket) and found by a sweep.
    pub fn cleanup<F>(&self, name: &'static str, work: F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Ok(handle) = Handle::try_current() else { return false };
        let counted = self.count(Kind::Cleanup, name);
        let work = carried(name, async move {
            let _counted = counted;
            work.await;
        });
        self.shared.cleanups.spawn_on(work, &handle);
        true
    }

    /// Runs blocking work (file calls, a large hash) on the runtime's blocking threads; a stop awaits it as an operation.
    pub fn blocking<F, T>(&self, name: &'static str, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let counted = self.count(Kind::Operation, name);
        self.shared.operations.spawn_blocking(move || {
            let _counted = counted;
            work()
        })
    }

    /// Starts a named loop. It must end soon after its [`StopSignal`] is set. Must be called on a runtime.
    pub fn worker<F, W>(&self, name: &'static str, start: F)
    where
        F: FnOnce(StopSignal, WorkerStatus) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        let line = Arc::clone(self.shared.statuses.lock().entry(name).or_default());
        let work = start(StopSignal { token: self.shared.stop.clone() }, WorkerStatus { line });
        let counted = self.count(Kind::Worker, name);
        self.shared.workers.spawn(origin::named(name, async move {
            let _counted = counted;
            work.await;
        }));
    }

    /// Name and status line of every worker, for the operator.
    #[must_use]
    pub fn workers(&self) -> Vec<(&'static str, String)> {
        self.shared.statuses.lock().iter().map(|(name, line)| (*name, line.lock().clone())).collect()
    }

    /// How many tasks of each kind and name are under way.
    #[must_use]
    pub fn under_way(&self) -> Vec<(Kind, &'static str, usize)> {
        self.shared.running.lock().iter().map(|((kind, name), count)| (*kind, *name, *count)).collect()
    }

    /// Waits until no operation and no cleanup is under way (cleanups started by operations included), at most `budget`.
    ///
    /// # Errors
    /// The names and counts of what had not finished.
    pub async fn join(&self, budget: Duration) -> Result<(), Vec<(Kind, &'static str, usize)>> {
        self.shared.operations.close();
        self.shared.cleanups.close();
        let all = async {
            // A cleanup may be started by the last operation, and may run a blocking step of its own: look until both are empty.
            while !(self.shared.operations.is_empty() && self.shared.cleanups.is_empty()) {
                self.shared.operations.wait().await;
                self.shared.cleanups.wait().await;
            }
        };
        tokio::time::timeout(budget, all)
            .await
            .map_err(|_| self.unfinished(&[Kind::Operation, Kind::Cleanup]))
    }

    /// Tells every worker to stop and waits for them, at most `budget`.
    ///
    /// # Errors
    /// The names and counts of what had not finished.
    pub async fn stop_workers(&self, budget: Duration) -> Result<(), Vec<(Kind, &'static str, usize)>> {
        self.shared.stop.cancel();
        self.shared.workers.close();
        tokio::time::timeout(budget, self.shared.workers.wait())
            .await
            .map_err(|_| self.unfinished(&[Kind::Worker]))
    }

    fn unfinished(&self, kinds: &[Kind]) -> Vec<(Kind, &'static str, usize)> {
        self.under_way().into_iter().filter(|(kind, ..)| kinds.contains(kind)).collect()
    }

    fn count(&self, kind: Kind, name: &'static str) -> Counted {
        *self.shared.running.lock().entry((kind, name)).or_insert(0) += 1;
        Counted { shared: Arc::clone(&self.shared), kind, name }
    }
}

struct Counted {
    shared: Arc<Shared>,
    kind: Kind,
    name: &'static str,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = self.shared.running.lock();
        if let Some(count) = running.get_mut(&(self.kind, self.name)) {
            *count -= 1;
            if *count == 0 {
                running.remove(&(self.kind, self.name));
            }
        }
    }
}

impl StopSignal {
    /// Ends when the worker must end; already ended if a stop is under way. May be dropped and asked again.
    pub fn wait(&self) -> WaitForCancellationFuture<'_> {
        self.token.cancelled()
    }

    /// Whether a stop is under way.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Sleeps `time`, or less if a stop comes. `true` if a stop came.
    pub async fn sleep(&self, time: Duration) -> bool {
        tokio::time::timeout(time, self.wait()).await.is_ok()
    }
}

impl WorkerStatus {
    /// Replaces the status line.
    pub fn set(&self, line: impl Into<String>) {
        *self.line.lock() = line.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_an_operation_and_for_the_cleanup_it_starts() {
        let tasks = Tasks::new();
        let done = Arc::new(Mutex::new(Vec::new()));
        let (inner, seen) = (tasks.clone(), Arc::clone(&done));
        drop(tasks.operation("put", async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let late = Arc::clone(&seen);
            inner.cleanup("guard", async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                late.lock().push("cleanup");
            });
            seen.lock().push("operation");
        }));
        tasks.join(Duration::from_secs(5)).await.unwrap();
        assert_eq!(*done.lock(), ["operation", "cleanup"]);
        assert!(tasks.under_way().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_did_not_finish_in_the_budget_is_named() {
        let tasks = Tasks::new();
        drop(tasks.operation("stuck", std::future::pending::<()>()));
        tasks.worker("deaf", |_, status| async move {
            status.set("listening to nothing");
            std::future::pending::<()>().await;
        });
        assert_eq!(tasks.join(Duration::from_secs(1)).await, Err(vec![(Kind::Operation, "stuck", 1)]));
        assert_eq!(tasks.stop_workers(Duration::from_secs(1)).await, Err(vec![(Kind::Worker, "deaf", 1)]));
        assert_eq!(tasks.workers(), [("deaf", "listening to nothing".to_owned())]);
    }

    #[tokio::test]
    async fn a_worker_ends_on_the_stop_signal() {
        let tasks = Tasks::new();
        tasks.worker("loop", |stop, _| async move { while !stop.sleep(Duration::from_secs(3600)).await {} });
        tasks.stop_workers(Duration::from_secs(5)).await.unwrap();
    }

    #[test]
    fn a_cleanup_outside_a_runtime_is_declined_and_does_not_panic() {
        assert!(!Tasks::new().cleanup("guard", async {}));
    }
}
