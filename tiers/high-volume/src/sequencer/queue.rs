//! The committer as a thread: commits queue up while it writes, and go together in the next batch. Who was in a batch often comes back at
//! once: the next one waits for as many as were there, at most as long as a sync takes. A single writer never waits.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use terrace_runtime::Clock;
use terrace_runtime::planted::{Bug, is_planted};
use tokio::sync::{Semaphore, oneshot};

use super::core::{Core, Outcome, Request};
use super::engine::{ApplyError, Engine};
use super::{Current, OnFatal, closed, publish};
use crate::error::{KvError, KvErrorKind};
use crate::kv::{Commit, Version};

/// Most transactions of a batch.
const MAX_BATCH: usize = 512;
/// Most bytes of a batch, unless one transaction alone is larger.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// Most transactions that wait or are being written.
const MAX_QUEUED: usize = 1_024;
/// Most bytes of them.
const MAX_QUEUED_BYTES: usize = 64 << 20;
/// How long a commit waits for a place in the queue.
const ADMISSION: Duration = Duration::from_secs(5);
/// Longest wait for more transactions of a batch.
const GATHER: Duration = Duration::from_micros(500);
/// What a transaction takes up beside its keys and values.
const OVERHEAD: usize = 256;

/// The queue in front of the committing thread.
pub(super) struct Queue<E: Engine> {
    shared: Arc<Shared<E>>,
    thread: tokio::sync::Mutex<Option<Running>>,
}

struct Shared<E: Engine> {
    jobs: Mutex<Jobs<E>>,
    wake: Condvar,
    places: Semaphore,
    bytes: Semaphore,
}

struct Jobs<E: Engine> {
    waiting: VecDeque<Job<E>>,
    /// The committer sleeps until this many wait.
    wanted: usize,
    closing: bool,
}

enum Job<E: Engine> {
    Commit(Request<E>, oneshot::Sender<Result<Commit, KvError>>),
    Checkpoint(PathBuf, oneshot::Sender<Result<Version, KvError>>),
}

struct Running {
    handle: JoinHandle<()>,
    ended: oneshot::Receiver<Result<(), KvError>>,
}

/// What the committing thread owns.
pub(super) struct Committing<E: Engine> {
    pub(super) core: Core<E>,
    pub(super) current: Current<E>,
    pub(super) clock: Arc<dyn Clock>,
    /// `None`: every batch is synced before it is acknowledged.
    pub(super) sync_every: Option<Duration>,
    pub(super) on_fatal: OnFatal,
}

impl<E: Engine> Queue<E> {
    /// Starts the thread.
    ///
    /// # Errors
    /// What the operating system says when it has no more threads.
    pub(super) fn start(committing: Committing<E>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            jobs: Mutex::new(Jobs { waiting: VecDeque::new(), wanted: 1, closing: false }),
            wake: Condvar::new(),
            places: Semaphore::new(MAX_QUEUED),
            bytes: Semaphore::new(MAX_QUEUED_BYTES),
        });
        let (end, ended) = oneshot::channel();
        let queue = Arc::clone(&shared);
        let handle = std::thread::Builder::new().name("committer".to_owned()).spawn(move || {
            let _ = end.send(
                Committer { queue, state: committing, unsynced: None, gather: Gather::default() }.run(),
            );
        })?;
        Ok(Self { shared, thread: tokio::sync::Mutex::new(Some(Running { handle, ended })) })
    }

    /// Queues a commit and waits for its answer. If the engine fails while it is being written there is no answer: nobody knows
    /// whether it is durable, and the process is about to be stopped by its owner.
    pub(super) async fn commit(&self, request: Request<E>) -> Result<Commit, KvError> {
        self.shared.admit(charge(&request)).await?;
        let (answer, answered) = oneshot::channel();
        self.shared.push(Job::Commit(request, answer))?;
        match answered.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    pub(super) async fn checkpoint(&self, dir: PathBuf) -> Result<Version, KvError> {
        let (answer, answered) = oneshot::channel();
        self.shared.push(Job::Checkpoint(dir, answer))?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Writes what is queued, closes the engine and joins the thread.
    pub(super) async fn close(&self) -> Result<(), KvError> {
        let mut thread = self.thread.lock().await;
        self.shared.end();
        let Some(running) = thread.as_mut() else { return Ok(()) };
        let ended = (&mut running.ended).await;
        if let Some(running) = thread.take() {
            // It has said its last word: this does not wait.
            let _ = running.handle.join();
        }
        ended.unwrap_or_else(|_| Err(KvError::new(KvErrorKind::Bug, "the committer ended in a panic")))
    }
}

impl<E: Engine> Drop for Queue<E> {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(running) = self.thread.get_mut().take() {
            let _ = running.handle.join();
        }
    }
}

impl<E: Engine> Shared<E> {
    async fn admit(&self, charge: u32) -> Result<(), KvError> {
        let both = async {
            let place = self.places.acquire().await?;
            self.bytes.acquire_many(charge).await?.forget();
            place.forget();
            Ok::<_, tokio::sync::AcquireError>(())
        };
        match tokio::time::timeout(ADMISSION, both).await {
            Ok(admitted) => admitted.map_err(|_| closed()),
            Err(_) => Err(KvError::new(KvErrorKind::Throttled, "no place in the commit queue within 5 s")),
        }
    }

    fn push(&self, job: Job<E>) -> Result<(), KvError> {
        let mut jobs = self.jobs.lock();
        if jobs.closing {
            return Err(closed());
        }
        jobs.waiting.push_back(job);
        let enough = jobs.waiting.len() >= jobs.wanted;
        drop(jobs);
        if enough {
            self.wake.notify_one();
        }
        Ok(())
    }

    fn end(&self) {
        self.jobs.lock().closing = true;
        self.wake.notify_one();
    }
}

fn charge<E: Engine>(request: &Request<E>) -> u32 {
    u32::try_from(request.bytes + OVERHEAD).unwrap_or(u32::MAX)
}

struct Committer<E: Engine> {
    queue: Arc<Shared<E>>,
    state: Committing<E>,
    /// When the oldest batch that is not synced yet must be.
    unsynced: Option<Duration>,
    gather: Gather,
}

/// What the next batch waits for.
#[derive(Clone, Copy, Default)]
struct Gather {
    /// Transactions: those of the last batch, and those that came while it was written.
    expected: usize,
    /// At most this long; zero if the last batch was not synced, since then there is nothing to share.
    patience: Duration,
}

enum Next<E: Engine> {
    Batch(Vec<Request<E>>, Vec<oneshot::Sender<Result<Commit, KvError>>>),
    Checkpoint(PathBuf, oneshot::Sender<Result<Version, KvError>>),
    Sync,
    End,
}

impl<E: Engine> Committer<E> {
    fn run(mut self) -> Result<(), KvError> {
        let guard = PanicGuard {
            on_fatal: Arc::clone(&self.state.on_fatal),
            current: Arc::clone(&self.state.current),
        };
        let ended = loop {
            let done = match self.next() {
                Next::Batch(requests, answers) => self.commit(requests, answers),
                Next::Checkpoint(dir, answer) => {
                    let version = self.state.core.published().version;
                    let _ = answer.send(self.state.core.engine.checkpoint(&dir, version).map(|()| version));
                    Ok(())
                }
                Next::Sync => self.sync(),
                Next::End => break Ok(()),
            };
            if let Err(cause) = done {
                break Err(cause);
            }
        };
        drop(guard);
        match ended {
            Ok(()) => self.finish(),
            Err(cause) => {
                *self.state.current.write() = None;
                self.queue.jobs.lock().closing = true;
                (self.state.on_fatal)(&cause);
                // The senders of what is still queued go unanswered, as those of the batch did.
                self.queue.jobs.lock().waiting.clear();
                Err(KvError::caused(KvErrorKind::Bug, "the engine failed", cause))
            }
        }
    }

    fn finish(self) -> Result<(), KvError> {
        let version = self.state.core.published().version;
        self.state.core.engine.close(version)
    }

    fn next(&mut self) -> Next<E> {
        let mut jobs = self.queue.jobs.lock();
        while jobs.waiting.is_empty() {
            if jobs.closing {
                return Next::End;
            }
            match self.unsynced {
                None => self.queue.wake.wait(&mut jobs),
                Some(due) => {
                    let left = due.saturating_sub(self.state.clock.monotonic());
                    if left.is_zero() || self.queue.wake.wait_for(&mut jobs, left).timed_out() {
                        return Next::Sync;
                    }
                }
            }
        }
        self.wait_for_more(&mut jobs);
        take(&mut jobs.waiting)
    }

    fn wait_for_more(&self, jobs: &mut MutexGuard<'_, Jobs<E>>) {
        let Gather { expected, patience } = self.gather;
        let began = self.state.clock.monotonic();
        while jobs.waiting.len() < expected && !jobs.closing {
            let left = patience.saturating_sub(self.state.clock.monotonic().saturating_sub(began));
            if left.is_zero() {
                break;
            }
            jobs.wanted = expected;
            let _whether_in_time = self.queue.wake.wait_for(jobs, left);
            jobs.wanted = 1;
        }
    }

    fn commit(
        &mut self,
        requests: Vec<Request<E>>,
        answers: Vec<oneshot::Sender<Result<Commit, KvError>>>,
    ) -> Result<(), ApplyError> {
        let (places, bytes) = (requests.len(), requests.iter().map(|request| charge(request) as usize).sum());
        let durable = match (self.state.sync_every, self.unsynced) {
            (None, _) => true,
            (Some(_), due) => due.is_some_and(|due| self.state.clock.monotonic() >= due),
        };
        let answers_first = durable && is_planted(Bug::AnswerBeforeSync);
        let began = self.state.clock.monotonic();
        let results = match self.state.core.commit(requests, durable && !answers_first) {
            Outcome::Fatal(cause) => return Err(cause),
            Outcome::Settled(settled) => settled,
        };
        if let Some(published) = results.published {
            self.unsynced = if results.durable { None } else { self.unsynced.or_else(|| self.due()) };
            publish(&self.state.current, published);
        }
        let took = self.state.clock.monotonic().saturating_sub(began);
        let waiting = self.queue.jobs.lock().waiting.len();
        self.gather = Gather {
            expected: (places + waiting).min(MAX_BATCH),
            patience: if results.durable { took.min(GATHER) } else { Duration::ZERO },
        };
        for (answer, result) in answers.into_iter().zip(results.answers) {
            // Whoever asked may be gone; the commit stands.
            let _ = answer.send(result);
        }
        self.queue.places.add_permits(places);
        self.queue.bytes.add_permits(bytes);
        if answers_first { self.sync() } else { Ok(()) }
    }

    fn due(&self) -> Option<Duration> {
        self.state.sync_every.map(|every| self.state.clock.monotonic() + every)
    }

    fn sync(&mut self) -> Result<(), ApplyError> {
        self.unsynced = None;
        let version = self.state.core.published().version;
        self.state.core.engine.sync(version)
    }
}

/// The next batch, or the one job that is not a commit.
fn take<E: Engine>(waiting: &mut VecDeque<Job<E>>) -> Next<E> {
    let (mut requests, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(job) = waiting.pop_front() {
        match job {
            Job::Commit(request, answer)
                if requests.is_empty() || bytes + request.bytes <= MAX_BATCH_BYTES =>
            {
                bytes += request.bytes;
                requests.push(request);
                answers.push(answer);
                if requests.len() == MAX_BATCH {
                    break;
                }
            }
            Job::Checkpoint(dir, answer) if requests.is_empty() => return Next::Checkpoint(dir, answer),
            later => {
                waiting.push_front(later);
                break;
            }
        }
    }
    Next::Batch(requests, answers)
}

/// A committer that panics has left a batch in an unknown state: that is as fatal as a failed sync.
struct PanicGuard<E: Engine> {
    on_fatal: OnFatal,
    current: Current<E>,
}

impl<E: Engine> Drop for PanicGuard<E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.current.write() = None;
            let cause: Arc<dyn std::error::Error + Send + Sync> =
                Arc::new(KvError::new(KvErrorKind::Bug, "the committer panicked"));
            (self.on_fatal)(&ApplyError::Fatal(cause));
        }
    }
}
