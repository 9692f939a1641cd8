use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use terrace_runtime::{ManualClock, SystemClock, Tasks};

use super::{CommitFault, Fault, FaultyKv, NoFaults, Plan, Point};
use crate::counts::CountingKv;
use crate::error::KvErrorKind::{Conflict, MaybeCommitted, Throttled, TooOld};
use crate::kv::Kv;
use crate::laws::{Subject, failed, get, range};
use crate::memory::MemoryKv;
use crate::range::Read;

async fn subject() -> Subject {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let counting = CountingKv::new(MemoryKv::new(Arc::clone(&clock) as _));
    Subject {
        kv: Arc::new(FaultyKv::new(Arc::new(counting), Arc::new(NoFaults), Tasks::new())),
        prefix: Bytes::from_static(b"law/"),
        pass: Box::new(move |time| {
            clock.advance(time);
            Box::pin(std::future::ready(()))
        }),
        keep: Box::new(()),
    }
}

mod without_faults {
    crate::laws!(super::subject());
}

/// Goes through its lists, then lets everything pass.
#[derive(Default)]
struct Script {
    points: Mutex<VecDeque<(Point, Fault)>>,
    commits: Mutex<VecDeque<CommitFault>>,
}

impl Plan for Script {
    fn at(&self, point: Point) -> Fault {
        let mut points = self.points.lock();
        match points.front() {
            Some((next, fault)) if *next == point => {
                let fault = *fault;
                points.pop_front();
                fault
            }
            _ => Fault::None,
        }
    }

    fn at_commit(&self) -> CommitFault {
        self.commits.lock().pop_front().unwrap_or(CommitFault::Before(Fault::None))
    }

    fn may_lose_answers(&self) -> bool {
        true
    }
}

fn scripted(points: &[(Point, Fault)], commits: &[CommitFault]) -> (FaultyKv, Subject, Tasks) {
    let script = Script {
        points: Mutex::new(points.iter().copied().collect()),
        commits: Mutex::new(commits.iter().copied().collect()),
    };
    let tasks = Tasks::new();
    let kv = FaultyKv::new(MemoryKv::new(Arc::new(SystemClock::new())), Arc::new(script), tasks.clone());
    let subject = Subject {
        kv: Arc::new(kv.clone()),
        prefix: Bytes::from_static(b"f/"),
        pass: Box::new(|time| Box::pin(tokio::time::sleep(time))),
        keep: Box::new(()),
    };
    (kv, subject, tasks)
}

#[tokio::test(start_paused = true)]
async fn each_point_fails_as_told_and_is_counted() {
    let fail = Fault::Fail(Throttled);
    let points = [Point::Begin, Point::ReadVersion, Point::CatalogVersion, Point::Get, Point::Range];
    let (kv, subject, _) =
        scripted(&points.map(|point| (point, fail)), &[CommitFault::Before(Fault::Fail(TooOld))]);
    assert!(kv.facts().may_lose_answers);
    assert_eq!(failed(subject.begin().await.map(|_| ())), Throttled);
    let reader = subject.begin().await.unwrap();
    assert_eq!(failed(reader.read_version().await), Throttled);
    assert_eq!(failed(reader.catalog_version().await), Throttled);
    assert_eq!(failed(get(&*reader, &subject.key("k"), Read::Snapshot).await), Throttled);
    assert_eq!(failed(range(&*reader, subject.all(), 1, Read::Snapshot).await), Throttled);
    reader.commit().await.unwrap();
    assert_eq!(failed(subject.set("k", "x").await), TooOld);
    assert_eq!(subject.value("k").await.unwrap(), None);
    for point in points {
        assert_eq!(kv.faults(point), 1, "{point:?}");
    }
    assert_eq!((kv.visits(Point::Begin), kv.visits(Point::Get), kv.visits(Point::Commit)), (4, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_settled_whether_or_not_it_was_committed() {
    let unknown = MaybeCommitted { settled: true };
    let (_, subject, _) = scripted(
        &[],
        &[CommitFault::LoseAnswer, CommitFault::Before(Fault::Fail(unknown)), CommitFault::LoseAnswer],
    );
    assert_eq!(failed(subject.set("a", "x").await), unknown);
    assert!(subject.value("a").await.unwrap().is_some());
    assert_eq!(failed(subject.set("b", "x").await), unknown);
    assert_eq!(subject.value("b").await.unwrap(), None);
    let loser = subject.begin().await.unwrap();
    get(&*loser, &subject.key("a"), Read::Serializable).await.unwrap();
    loser.mutate(crate::laws::set(subject.key("c"), "x"));
    subject.kv.begin(Default::default()).await.unwrap();
    let answer = loser.commit().await;
    assert_eq!(failed(answer), unknown);
    assert!(subject.value("c").await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_lands_after_its_error_was_answered() {
    let unsettled = MaybeCommitted { settled: false };
    let late = CommitFault::LandLate(Duration::from_secs(1));
    let (kv, subject, tasks) = scripted(&[], &[late]);
    assert_eq!(failed(subject.set("k", "late").await), unsettled);
    assert_eq!(subject.value("k").await.unwrap(), None);
    tasks.join(Duration::from_secs(10)).await.unwrap();
    assert_eq!(subject.value("k").await.unwrap().as_deref(), Some(&b"late"[..]));
    assert_eq!((kv.visits(Point::Commit), kv.faults(Point::Commit)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_whose_reads_were_overwritten_never_lands() {
    let (_, subject, tasks) = scripted(&[], &[CommitFault::LandLate(Duration::from_secs(1))]);
    let writer = subject.begin().await.unwrap();
    get(&*writer, &subject.key("k"), Read::Serializable).await.unwrap();
    writer.mutate(crate::laws::set(subject.key("k"), "late"));
    assert_eq!(failed(writer.commit().await), MaybeCommitted { settled: false });
    subject.set("k", "barrier").await.unwrap();
    tasks.join(Duration::from_secs(10)).await.unwrap();
    assert_eq!(subject.value("k").await.unwrap().as_deref(), Some(&b"barrier"[..]));
}

#[tokio::test(start_paused = true)]
async fn slow_goes_on_and_a_stall_does_not() {
    let slow = Fault::Slow(Duration::from_secs(2));
    let (_, subject, _) = scripted(
        &[(Point::Get, slow), (Point::Get, Fault::Stall)],
        &[CommitFault::Before(slow), CommitFault::Before(Fault::Fail(Conflict))],
    );
    let before = tokio::time::Instant::now();
    subject.set("k", "x").await.unwrap();
    assert!(subject.value("k").await.unwrap().is_some());
    assert_eq!(before.elapsed().as_secs(), 4);
    let stalled = tokio::time::timeout(Duration::from_secs(3600), subject.value("k")).await;
    assert!(stalled.is_err());
    assert_eq!(failed(subject.set("k", "y").await), Conflict);
}
