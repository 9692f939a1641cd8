//! FoundationDB's semantics in process: optimistic transactions over an [`Engine`](engine::Engine), committed one batch at a time.
//!
//! What it is not: a lock manager (nothing waits for a key) and not distributed (one process owns the data).

pub(crate) mod engine;
pub(crate) mod limits;

mod core;
mod queue;
mod resolve;
mod transaction;
mod window;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use terrace_runtime::{Clock, Tasks};

use self::core::{Core, Outcome, Published, Request};
use self::engine::{ApplyError, Engine};
use self::queue::{Committing, Queue};
use self::transaction::Sequenced;
use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, CatalogVersion, Commit, Transaction, Version};

/// Where reads go that may take long: a thread of the runtime's blocking pool, joined at stop.
pub(crate) struct Offload {
    /// Owner of the blocking reads.
    pub(crate) tasks: Tasks,
    /// Point reads of more keys than this leave the caller's thread.
    pub(crate) inline_keys: usize,
    /// Range reads of more rows than this do.
    pub(crate) inline_rows: usize,
    /// Who ends the process.
    pub(crate) on_fatal: OnFatal,
}

/// Told once, when the engine has failed in a way that leaves commits of unknown fate: the owner must end the process.
pub type OnFatal = Arc<dyn Fn(&(dyn Error + Send + Sync + 'static)) + Send + Sync>;

/// The last published version; `None` once closed.
type Current<E> = Arc<RwLock<Option<Arc<Published<E>>>>>;

/// Who runs the commits.
enum Committer<E: Engine> {
    /// The caller, in its own call: no thread and no timer, so that a simulation on one thread is deterministic.
    Inline(Mutex<Option<Core<E>>>),
    /// A thread of its own that takes all that has queued up while it wrote the last batch.
    Thread(Queue<E>),
}

/// How a sequencer with a thread of its own runs.
pub(crate) struct Threaded {
    /// `None`: every batch is on stable storage before it is acknowledged.
    pub(crate) sync_every: Option<Duration>,
    /// Where long reads go.
    pub(crate) offload: Offload,
}

/// Transactions over one engine.
pub(crate) struct Sequencer<E: Engine> {
    clock: Arc<dyn Clock>,
    engine: Weak<E>,
    current: Current<E>,
    offload: Option<Offload>,
    committer: Committer<E>,
}

impl<E: Engine> Sequencer<E> {
    /// A sequencer whose commits run in the calls that ask for them, over an empty engine.
    pub(crate) fn inline(engine: E, clock: Arc<dyn Clock>) -> Arc<Self> {
        let core = Core::new(Arc::new(engine), Arc::clone(&clock), Version(0), CatalogVersion::default());
        Arc::new(Self {
            clock,
            engine: Arc::downgrade(&core.engine),
            current: Arc::new(RwLock::new(Some(Arc::clone(core.published())))),
            offload: None,
            committer: Committer::Inline(Mutex::new(Some(core))),
        })
    }

    /// A sequencer with a committing thread over an engine whose last commit was `last`.
    ///
    /// # Errors
    /// What the operating system says when it has no more threads.
    pub(crate) fn threaded(
        engine: E,
        clock: Arc<dyn Clock>,
        last: (Version, CatalogVersion),
        how: Threaded,
    ) -> std::io::Result<Arc<Self>> {
        let core = Core::new(Arc::new(engine), Arc::clone(&clock), last.0, last.1);
        let current = Arc::new(RwLock::new(Some(Arc::clone(core.published()))));
        let engine = Arc::downgrade(&core.engine);
        let committing = Committing {
            core,
            current: Arc::clone(&current),
            clock: Arc::clone(&clock),
            sync_every: how.sync_every,
            on_fatal: Arc::clone(&how.offload.on_fatal),
        };
        let committer = Committer::Thread(Queue::start(committing)?);
        Ok(Arc::new(Self { clock, engine, current, offload: Some(how.offload), committer }))
    }

    /// The last published version.
    fn published(&self) -> Result<Arc<Published<E>>, KvError> {
        self.current.read().clone().ok_or_else(closed)
    }

    fn is_open(&self) -> bool {
        self.current.read().is_some()
    }

    /// Starts a transaction.
    ///
    /// # Errors
    /// `Unavailable` once closed.
    pub(crate) fn begin(self: &Arc<Self>, begin: Begin) -> Result<Box<dyn Transaction>, KvError> {
        if !self.is_open() {
            return Err(closed());
        }
        Ok(Box::new(Sequenced::new(Arc::clone(self), begin)))
    }

    async fn submit(&self, request: Request<E>) -> Result<Commit, KvError> {
        match &self.committer {
            Committer::Inline(core) => self.commit_inline(&mut core.lock(), request),
            Committer::Thread(queue) => queue.commit(request).await,
        }
    }

    fn commit_inline(&self, core: &mut Option<Core<E>>, request: Request<E>) -> Result<Commit, KvError> {
        match core.as_mut().ok_or_else(closed)?.commit(vec![request], true) {
            Outcome::Settled(settled) => {
                if let Some(published) = settled.published {
                    publish(&self.current, published);
                }
                settled.answers.into_iter().next().unwrap_or_else(|| Err(closed()))
            }
            Outcome::Fatal(cause) => {
                *self.current.write() = None;
                *core = None;
                Err(KvError::caused(KvErrorKind::Bug, "the engine failed", cause))
            }
        }
    }

    /// Bytes the data takes up, roughly; 0 once closed.
    pub(crate) fn approximate_size(&self) -> u64 {
        self.engine.upgrade().map_or(0, |engine| engine.approximate_size())
    }

    /// Looks whether the engine has failed where no commit notices, and tells the owner.
    ///
    /// # Errors
    /// `Bug` if it has, `Unavailable` once closed.
    pub(crate) async fn probe(&self) -> Result<(), KvError> {
        let engine = self.engine.upgrade().ok_or_else(closed)?;
        let failed = match &self.offload {
            None => engine.failed(),
            Some(offload) => {
                offload.tasks.blocking("high-volume probe", move || engine.failed()).await.map_err(
                    |cause| KvError::caused(KvErrorKind::Unavailable, "the probe was cut off", cause),
                )?
            }
        };
        let Some(cause) = failed else { return Ok(()) };
        if let Some(offload) = &self.offload {
            (offload.on_fatal)(&cause);
        }
        Err(KvError::caused(KvErrorKind::Bug, "the engine failed", cause))
    }

    /// Puts a copy of the data into the empty directory `dir`, as of the version that comes back. Commits wait meanwhile, reads do not.
    ///
    /// # Errors
    /// `Unavailable` once closed or if the directory cannot be written; `Bug` on an engine without files.
    pub(crate) async fn checkpoint(&self, dir: PathBuf) -> Result<Version, KvError> {
        match &self.committer {
            Committer::Inline(core) => {
                let core = core.lock();
                let core = core.as_ref().ok_or_else(closed)?;
                let version = core.published().version;
                core.engine.checkpoint(&dir, version).map(|()| version)
            }
            Committer::Thread(queue) => queue.checkpoint(dir).await,
        }
    }

    /// Ends all transactions, finishes the commits under way and closes the engine. A second call does nothing.
    ///
    /// # Errors
    /// What the engine could not finish.
    pub(crate) async fn close(&self) -> Result<(), KvError> {
        *self.current.write() = None;
        match &self.committer {
            Committer::Inline(core) => {
                let Some(core) = core.lock().take() else { return Ok(()) };
                let version = core.published().version;
                core.engine.close(version)
            }
            Committer::Thread(queue) => queue.close().await,
        }
    }
}

/// Makes a version readable, unless the store was closed meanwhile.
fn publish<E: Engine>(current: &Current<E>, published: Arc<Published<E>>) {
    if let Some(current) = current.write().as_mut() {
        *current = published;
    }
}

fn closed() -> KvError {
    KvError::new(KvErrorKind::Unavailable, "the engine is closed")
}

fn refused(cause: &Arc<dyn Error + Send + Sync>) -> KvError {
    KvError::caused(
        KvErrorKind::Unavailable,
        "the engine did not take the commit",
        ApplyError::Refused(Arc::clone(cause)),
    )
}
