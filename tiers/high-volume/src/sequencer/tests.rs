//! The committing thread, over an engine that waits and fails on demand.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join_all;
use parking_lot::{Condvar, Mutex};
use terrace_runtime::{ManualClock, Tasks};
use tokio::sync::Notify;
use tokio::task::unconstrained;

use super::engine::{ApplyError, Batch, Engine};
use super::{Offload, Sequencer, Threaded};
use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, CatalogVersion, Commit, Version};
use crate::laws::{failed, set};
use crate::memory::{MemoryEngine, MemorySnapshot};
use crate::range::Key;

/// What the next batches meet, and what the batches were.
#[derive(Default)]
struct Control {
    state: Mutex<State>,
    changed: Condvar,
    told: Notify,
}

#[derive(Default)]
struct State {
    held: bool,
    /// A batch is in `apply`.
    busy: bool,
    fail: Option<ApplyError>,
    batches: Vec<usize>,
    fatal: usize,
}

struct Controlled {
    rows: MemoryEngine,
    control: Arc<Control>,
}

impl Control {
    fn hold(&self, held: bool) {
        self.state.lock().held = held;
        self.changed.notify_all();
    }

    fn fail(&self, error: ApplyError) {
        self.state.lock().fail = Some(error);
    }

    fn wait_until_busy(&self) {
        let mut state = self.state.lock();
        while !state.busy {
            self.changed.wait(&mut state);
        }
    }
}

impl Engine for Controlled {
    type Snapshot = MemorySnapshot;

    fn snapshot(&self) -> MemorySnapshot {
        self.rows.snapshot()
    }

    fn apply(&self, batch: Batch, durable: bool) -> Result<(), ApplyError> {
        let mut state = self.control.state.lock();
        state.busy = true;
        self.control.changed.notify_all();
        while state.held {
            self.control.changed.wait(&mut state);
        }
        state.busy = false;
        state.batches.push(batch.rows.len());
        match state.fail.take() {
            Some(error) => Err(error),
            None => self.rows.apply(batch, durable),
        }
    }

    fn sync(&self, version: Version) -> Result<(), ApplyError> {
        self.rows.sync(version)
    }

    fn failed(&self) -> Option<ApplyError> {
        self.control.state.lock().fail.clone()
    }

    fn approximate_size(&self) -> u64 {
        self.rows.approximate_size()
    }

    fn checkpoint(&self, dir: &Path, version: Version) -> Result<(), KvError> {
        self.rows.checkpoint(dir, version)
    }

    fn close(&self, version: Version) -> Result<(), KvError> {
        self.rows.close(version)
    }
}

fn controlled() -> (Arc<Sequencer<Controlled>>, Arc<Control>) {
    let control = Arc::new(Control::default());
    let seen = Arc::clone(&control);
    let offload = Offload {
        tasks: Tasks::new(),
        inline_keys: 8,
        inline_rows: 64,
        on_fatal: Arc::new(move |_| {
            seen.state.lock().fatal += 1;
            seen.told.notify_one();
        }),
    };
    let engine = Controlled { rows: MemoryEngine::default(), control: Arc::clone(&control) };
    let clock = Arc::new(ManualClock::at(1_000));
    let last = (Version(0), CatalogVersion::default());
    let sequencer = Sequencer::threaded(engine, clock, last, Threaded { sync_every: None, offload }).unwrap();
    (sequencer, control)
}

async fn write(sequencer: &Arc<Sequencer<Controlled>>, name: usize, bytes: usize) -> Result<Commit, KvError> {
    let transaction = sequencer.begin(Begin::default())?;
    for part in 0..bytes.div_ceil(100_000) {
        let key = Key::from(format!("{name:05}/{part}"));
        transaction.mutate(set(key, Bytes::from(vec![0; bytes.min(100_000)])));
    }
    transaction.commit().await
}

#[tokio::test]
async fn what_queues_up_behind_a_batch_goes_together_in_the_next_ones() {
    let (sequencer, control) = controlled();
    control.hold(true);
    let first = write(&sequencer, 0, 10);
    let rest = async {
        control.wait_until_busy();
        let writes = (1..=1_000).map(|name| write(&sequencer, name, 10));
        let release = async { control.hold(false) };
        // Without tokio's budget, so that all have asked before the release.
        let (commits, ()) = futures::join!(unconstrained(try_join_all(writes)), release);
        commits
    };
    let (first, rest) = futures::join!(first, rest);
    let mut stamps = BTreeSet::from([first.unwrap().stamp]);
    stamps.extend(rest.unwrap().into_iter().map(|commit| commit.stamp));
    assert_eq!(stamps.len(), 1_001);
    assert_eq!(control.state.lock().batches, [1, 512, 488]);
    sequencer.close().await.unwrap();
}

#[tokio::test]
async fn a_batch_holds_at_most_8_mib() {
    let (sequencer, control) = controlled();
    control.hold(true);
    let first = write(&sequencer, 0, 10);
    let rest = async {
        control.wait_until_busy();
        let writes = (1..=4).map(|name| write(&sequencer, name, 4_000_000));
        let release = async { control.hold(false) };
        futures::join!(try_join_all(writes), release).0
    };
    let (first, rest) = futures::join!(first, rest);
    first.unwrap();
    assert_eq!(rest.unwrap().len(), 4);
    assert_eq!(control.state.lock().batches, [1, 80, 80]);
    sequencer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_throttles_after_5_s_and_lets_in_again_when_there_is_room() {
    let (sequencer, control) = controlled();
    control.hold(true);
    let mut writes = Box::pin(try_join_all((0..1_024).map(|name| write(&sequencer, name, 10))));
    assert!(unconstrained(async { futures::poll!(&mut writes) }).await.is_pending());
    assert_eq!(failed(write(&sequencer, 9_999, 10).await), KvErrorKind::Throttled);
    control.hold(false);
    assert_eq!(writes.await.unwrap().len(), 1_024);
    write(&sequencer, 9_999, 10).await.unwrap();
    sequencer.close().await.unwrap();
}

#[tokio::test]
async fn a_refused_batch_is_unavailable_and_the_next_one_is_taken() {
    let (sequencer, control) = controlled();
    control.fail(ApplyError::Refused(Arc::new(io::Error::from(io::ErrorKind::StorageFull))));
    let error = write(&sequencer, 1, 10).await.unwrap_err();
    assert_eq!(error.kind(), KvErrorKind::Unavailable);
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let full = io::Error::from(io::ErrorKind::StorageFull).to_string();
    assert!(chain.map(ToString::to_string).any(|said| said == full));
    let before = sequencer.begin(Begin::default()).unwrap().read_version().await.unwrap();
    assert_eq!(before, Version(0));
    assert!(write(&sequencer, 1, 10).await.unwrap().version > before);
    assert_eq!(control.state.lock().fatal, 0);
    sequencer.close().await.unwrap();
}

#[tokio::test]
async fn a_failed_engine_tells_the_owner_and_answers_nobody() {
    let (sequencer, control) = controlled();
    control.fail(ApplyError::Fatal(Arc::new(io::Error::other("fdatasync"))));
    let mut answer = Box::pin(write(&sequencer, 1, 10));
    tokio::select! {
        _ = &mut answer => panic!("nobody knows whether it is durable"),
        () = control.told.notified() => {}
    }
    assert_eq!(failed(sequencer.close().await), KvErrorKind::Bug);
    assert!(futures::poll!(&mut answer).is_pending());
    assert_eq!(control.state.lock().fatal, 1);
    assert_eq!(failed(sequencer.begin(Begin::default()).map(|_| ())), KvErrorKind::Unavailable);
}

#[tokio::test]
async fn a_failure_in_the_background_is_found_by_a_probe() {
    let (sequencer, control) = controlled();
    sequencer.probe().await.unwrap();
    control.fail(ApplyError::Fatal(Arc::new(io::Error::other("flush"))));
    assert_eq!(failed(sequencer.probe().await), KvErrorKind::Bug);
    assert_eq!(control.state.lock().fatal, 1);
    sequencer.close().await.unwrap();
    assert_eq!(failed(sequencer.probe().await), KvErrorKind::Unavailable);
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (sequencer, control) = controlled();
    control.hold(true);
    let writes = try_join_all((0..100).map(|name| write(&sequencer, name, 10)));
    let close = async {
        control.wait_until_busy();
        let release = async { control.hold(false) };
        futures::join!(sequencer.close(), release).0
    };
    let (commits, closed) = futures::join!(writes, close);
    closed.unwrap();
    assert_eq!(commits.unwrap().len(), 100);
    assert_eq!(failed(write(&sequencer, 1, 10).await), KvErrorKind::Unavailable);
}
