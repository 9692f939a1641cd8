//! The embedded engine: one directory, one process, fjall below the sequencer.
//!
//! ```text
//! <directory>/lock           held while open
//! <directory>/acknowledged   the acknowledgement mark
//! <directory>/engine/        fjall's
//! <directory>/aside/         bytes that a start has cut off journals
//! ```

mod checkpoint;
mod compact;
mod engine;
mod journal;
mod lock;
mod mark;
mod recover;
mod reserve;
mod state;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod torn;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use terrace_runtime::{Clock, Tasks};

use self::compact::Step;
use self::engine::{Handles, LocalEngine};
use self::lock::DirectoryLock;
use self::mark::{Found, Mark};
use self::recover::Judge;
use self::reserve::Reserve;
use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, CatalogVersion, Facts, Kv, Transaction, Version};
use crate::mutation::Conflict;
use crate::range::{Key, KeyRange};
use crate::sequencer::{Offload, OnFatal, Sequencer, Threaded};

const ENGINE: &str = "engine";
/// fjall's name for the folder of its keyspaces.
const KEYSPACES: &str = "keyspaces";
/// Reads of more than this run on a blocking thread. Up to it they take about as long as the change of thread (some 20 µs), unless
/// they have to wait for the disk.
const INLINE_KEYS: usize = 8;
const INLINE_ROWS: usize = 64;
/// A key that nobody reads: a commit that conflicts on it changes nothing but the newest view.
const RENEW: &[u8] = b"\xFF";

/// When an acknowledged commit is on stable storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    #[default]
    Always,
    /// At most this long after, unless the transaction began with [`Begin::always_sync`]. A crash of the process loses nothing, one of
    /// the machine what was acknowledged within the interval.
    Interval(Duration),
}

/// Where and how to open.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The engine's own directory; made if it is not there.
    pub directory: PathBuf,
    /// When commits are durable.
    pub durability: Durability,
    /// Bytes of blocks that are kept in memory.
    pub cache_bytes: u64,
    /// Commits are refused (`Unavailable`) when less than this many bytes would stay free on the file system, so that what is in memory
    /// can still be flushed: if it cannot, the engine has failed for good. The owner's own limit should be far higher.
    pub headroom_bytes: u64,
    /// Open even if acknowledged commits are missing, with what is there. The only way on from [`OpenError::Damaged`].
    pub accept_loss: bool,
}

impl LocalOptions {
    /// The defaults: durable before the acknowledgement, 32 MiB of cache, 64 MiB of headroom, no loss accepted.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            durability: Durability::default(),
            cache_bytes: 32 << 20,
            headroom_bytes: 64 << 20,
            accept_loss: false,
        }
    }
}

/// Why a directory was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another open of this one, has it.
    #[error("{} is in use by another process{}", .directory.display(), .holder.map(|id| format!(" (number {id})")).unwrap_or_default())]
    Locked {
        /// The directory.
        directory: PathBuf,
        /// The process that holds it, as it says itself.
        holder: Option<u32>,
    },
    /// Commits were acknowledged that the journals do not hold. No whole batch was touched; torn bytes, if any were cut off, stand in
    /// the folder `aside`.
    #[error("journal damaged: commits above {} up to {} were acknowledged and are missing", .above.0, .to.0)]
    Damaged {
        /// The last commit that is there.
        above: Version,
        /// The last commit that is known to have been acknowledged.
        to: Version,
    },
    /// The file that says what was acknowledged is gone or damaged, so nobody can tell whether commits are missing.
    #[error("the acknowledgement mark is missing or damaged: whether commits are missing cannot be told")]
    MarkLost,
    /// The directory could not be read or written.
    #[error("could not {what}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// fjall could not open its data.
    #[error("the storage engine could not open its data")]
    Engine(#[from] fjall::Error),
}

/// Transactions on a directory of this machine.
pub struct LocalKv {
    sequencer: Arc<Sequencer<LocalEngine>>,
    handles: Weak<Handles>,
    tasks: Tasks,
}

impl LocalKv {
    /// Opens `options.directory`. Blocks: reads the journals (up to about 128 MiB) and starts threads. `tasks` owns the reads that
    /// may block, `on_fatal` must end the process: commits whose fate is unknown are never answered.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        options: LocalOptions,
        clock: Arc<dyn Clock>,
        tasks: Tasks,
        on_fatal: OnFatal,
    ) -> Result<Arc<Self>, OpenError> {
        let durability = options.durability;
        let (engine, last) = open_engine(options)?;
        let handles = engine.handles();
        let how = Threaded {
            sync_every: match durability {
                Durability::Always => None,
                Durability::Interval(every) => Some(every),
            },
            offload: Offload {
                tasks: tasks.clone(),
                inline_keys: INLINE_KEYS,
                inline_rows: INLINE_ROWS,
                on_fatal,
            },
        };
        let sequencer =
            Sequencer::threaded(engine, clock, last, how).map_err(io_while("start the committer"))?;
        Ok(Arc::new(Self { sequencer, handles, tasks }))
    }

    /// Bytes on disk, journals included; 0 once closed. May wait for a sync under way.
    #[must_use]
    pub fn approximate_size(&self) -> u64 {
        self.sequencer.approximate_size()
    }

    /// Puts a copy, as of the version that comes back, into the empty directory `dir`, which opens as a data directory by itself.
    /// Files that do not change are hard-linked, so that a copy on the same file system is quick; commits wait meanwhile (they copy
    /// the journals: up to about 128 MiB), reads do not.
    ///
    /// # Errors
    /// `Unavailable` once closed, or if `dir` is not empty or cannot be written.
    pub async fn checkpoint(&self, dir: impl Into<PathBuf>) -> Result<Version, KvError> {
        self.sequencer.checkpoint(dir.into()).await
    }

    /// Gives back the space of what was deleted, a step at a time (flush, then merge), if a good part of the data is and little is being
    /// written. To be called every few seconds: little is less than 1 MiB since the last call. Whether anything was done. Cost of a merge: all
    /// keys are read and written, and of the bodies those in files that are mostly dead.
    ///
    /// # Errors
    /// `Unavailable`: fjall could not flush or merge. What is there stays readable; [`probe`](Self::probe) tells whether it takes writes.
    pub async fn give_back(&self) -> Result<bool, KvError> {
        let step = self.aside(|handles| handles.give_back()).await?;
        if step == Step::Renew {
            let transaction = self.begin(Begin::default()).await?;
            transaction.conflict(KeyRange::single(&Key::from_static(RENEW)), Conflict::Write);
            transaction.commit().await?;
            self.aside(|handles| handles.let_go()).await?;
        }
        Ok(step != Step::Nothing)
    }

    /// Runs what blocks elsewhere.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Handles) -> fjall::Result<T> + Send + 'static,
    ) -> Result<T, KvError> {
        const WHAT: &str = "the space of deleted rows could not be given back";
        let Some(handles) = self.handles.upgrade() else {
            return Err(KvError::new(KvErrorKind::Unavailable, "the engine is closed"));
        };
        let done = self.tasks.blocking("high-volume merge", move || work(&handles));
        let done = done.await.map_err(|cause| KvError::caused(KvErrorKind::Unavailable, WHAT, cause))?;
        done.map_err(|cause| KvError::caused(KvErrorKind::Unavailable, WHAT, cause))
    }

    /// Tells the owner's `on_fatal` if the engine has failed in the background (a flush or merge on a full disk), where no commit may
    /// be left to notice it. To be called every second or so. May wait for a sync under way, on a blocking thread.
    ///
    /// # Errors
    /// `Bug` if it has failed, `Unavailable` once closed.
    pub async fn probe(&self) -> Result<(), KvError> {
        self.sequencer.probe().await
    }
}

#[async_trait]
impl Kv for LocalKv {
    async fn begin(&self, options: Begin) -> Result<Box<dyn Transaction>, KvError> {
        self.sequencer.begin(options)
    }

    fn facts(&self) -> Facts {
        Facts { name: "local", may_lose_answers: false, shared: false }
    }

    async fn close(&self) -> Result<(), KvError> {
        self.sequencer.close().await
    }
}

fn io_while(what: &'static str) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { what, source }
}

fn open_engine(options: LocalOptions) -> Result<(LocalEngine, (Version, CatalogVersion)), OpenError> {
    let LocalOptions { directory, durability, cache_bytes, headroom_bytes, accept_loss } = options;
    make_durably(&directory).map_err(io_while("make the data directory"))?;
    let lock = DirectoryLock::take(&directory)?;
    let engine = directory.join(ENGINE);
    let is_new = !engine.try_exists().map_err(io_while("look for the engine's data"))?;
    let (mark, found) = Mark::open(&directory).map_err(io_while("read the acknowledgement mark"))?;
    let acknowledged = match found {
        Found::Version(version) => Some(version),
        Found::Missing | Found::Unreadable if is_new => Some(Version(0)),
        Found::Missing | Found::Unreadable if accept_loss => None,
        Found::Missing | Found::Unreadable => return Err(OpenError::MarkLost),
    };
    if is_new {
        mark.settle(acknowledged.unwrap_or_default()).map_err(io_while("write the acknowledgement mark"))?;
        create(&directory, cache_bytes)?;
    }
    let filled = recover::recover(&directory, &engine, &Judge { acknowledged, durability, accept_loss })?;
    let (database, keyspaces) = engine::open_database(&engine, cache_bytes)?;
    let [own, ..] = &keyspaces;
    let last = LocalEngine::state(own)?.unwrap_or_default();
    match acknowledged {
        Some(to) if last.0 < to && !accept_loss => return Err(OpenError::Damaged { above: last.0, to }),
        Some(to) if last.0 >= to => {}
        // The loss was accepted: from now on what is there counts.
        _ => mark.settle(last.0).map_err(io_while("write the acknowledgement mark"))?,
    }
    let opened = Reserve::open(engine, filled, headroom_bytes)
        .map(|reserve| LocalEngine::new(directory, reserve, (database, keyspaces), (mark, lock)))
        .map_err(io_while("find the engine's journal"))?;
    Ok((opened, last))
}

/// Makes a directory and its parents. Each that is new is durable in its own parent: with it a loss of power would take all that is in it.
fn make_durably(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else { return Ok(()) };
    make_durably(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    File::open(parent)?.sync_all()
}

/// Makes the entries of a directory and of those below it durable. fjall syncs what is in the folder of a keyspace, but not that there is one.
fn sync_directories(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_directories(&entry.path())?;
        }
    }
    File::open(path)?.sync_all()
}

/// Makes a new database under another name and renames it, so that one that is there is whole.
fn create(directory: &Path, cache_bytes: u64) -> Result<(), OpenError> {
    let (unfinished, engine) = (directory.join("engine.new"), directory.join(ENGINE));
    let made = io_while("make the engine's data");
    if unfinished.try_exists().map_err(&made)? {
        fs::remove_dir_all(&unfinished).map_err(&made)?;
    }
    drop(engine::open_database(&unfinished, cache_bytes)?);
    sync_directories(&unfinished).map_err(&made)?;
    fs::rename(&unfinished, &engine).map_err(&made)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(&made)
}
