use std::time::Duration;

use futures::FutureExt;

use super::*;
use crate::MemoryBlobs;
use crate::laws::{Subject, body, key, pattern, read};

async fn without_a_plan() -> Subject {
    let inner = Arc::new(MemoryBlobs::with_page(10));
    Subject::plain(Arc::new(Faults::new(inner, Tasks::new(), Arc::new(Script::default()))))
}

crate::blob_store_laws!(without_a_plan);
crate::blob_store_local_laws!(without_a_plan);

struct Stage {
    faults: Faults,
    inner: Arc<MemoryBlobs>,
    script: Arc<Script>,
    tasks: Tasks,
}

fn stage(script: Script) -> Stage {
    let (inner, script, tasks) = (Arc::new(MemoryBlobs::new()), Arc::new(script), Tasks::new());
    let faults = Faults::new(
        Arc::clone(&inner) as Arc<dyn BlobStore>,
        tasks.clone(),
        Arc::clone(&script) as Arc<dyn Plan>,
    );
    Stage { faults, inner, script, tasks }
}

async fn put(store: &dyn BlobStore, key: &BlobKey, size: usize) -> Result<Stored, BlobError> {
    store.put(key, body(pattern(size, 1), 100), SizeHint::Exact(size as u64)).await
}

#[tokio::test]
async fn each_line_strikes_the_call_it_names_and_is_counted() {
    let refused = Fault::Refused(BlobErrorKind::Throttled);
    let stage = stage(Script::default().on(Point::Put, 2, refused).on(Point::Delete, 1, refused));
    let key = key(1, "x", 1);
    put(&stage.faults, &key, 10).await.unwrap();
    let error = put(&stage.faults, &key, 10).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Throttled, PutOutcome::Settled));
    put(&stage.faults, &key, 10).await.unwrap();
    assert_eq!(stage.faults.delete(&key).await.unwrap_err().kind(), BlobErrorKind::Throttled);
    assert!(stage.inner.head(&key).await.unwrap().is_some());
    assert_eq!((stage.faults.calls(Point::Put), stage.faults.struck(Point::Put)), (3, 1));
    assert_eq!((stage.faults.calls(Point::Delete), stage.faults.struck(Point::Delete)), (1, 1));
    assert_eq!(stage.script.left(), 0);
}

#[tokio::test]
async fn a_cut_put_stores_nothing_and_says_what_it_was_told_to() {
    for (at, outcome) in [(0, PutOutcome::Settled), (150, PutOutcome::Unknown), (9_999, PutOutcome::Unknown)]
    {
        let stage = stage(Script::default().on(Point::Put, 1, Fault::PutCut { at, outcome }));
        let key = key(1, "x", 1);
        let error = put(&stage.faults, &key, 1_000).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Unavailable, outcome));
        assert_eq!(stage.inner.totals(), (0, 0));
    }
}

#[tokio::test]
async fn a_lost_answer_hides_what_was_done() {
    let lost = Fault::AnswerLost;
    let script =
        Script::default().on(Point::Put, 1, lost).on(Point::Copy, 1, lost).on(Point::Delete, 1, lost);
    let stage = stage(script.on(Point::Bind, 1, lost));
    let (a, b) = (key(1, "a", 1), key(1, "b", 2));
    assert_eq!(put(&stage.faults, &a, 10).await.unwrap_err().outcome(), PutOutcome::Unknown);
    assert_eq!(stage.faults.copy(&a, &b).await.unwrap_err().outcome(), PutOutcome::Unknown);
    assert_eq!(stage.inner.totals(), (2, 20));
    assert_eq!(stage.faults.delete(&a).await.unwrap_err().kind(), BlobErrorKind::TimedOut);
    assert_eq!(stage.inner.totals(), (1, 10));
    stage.faults.bind([1; 16]).await.unwrap_err();
    assert_eq!(stage.faults.deployment().await.unwrap(), Some([1; 16]));
}

#[tokio::test(start_paused = true)]
async fn a_put_that_lands_late_appears_after_its_error_and_even_after_a_delete() {
    let late = Fault::LandsLate(Duration::from_secs(60));
    let stage = stage(Script::default().on(Point::Put, 1, late));
    let key = key(1, "x", 1);
    let error = put(&stage.faults, &key, 500).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Unavailable, PutOutcome::Unknown));
    stage.faults.delete(&key).await.unwrap();
    assert_eq!(stage.inner.totals(), (0, 0));
    stage.tasks.join(Duration::from_secs(120)).await.unwrap();
    assert_eq!(stage.inner.totals(), (1, 500));
}

#[tokio::test]
async fn a_stream_breaks_or_stalls_after_its_bytes() {
    let stage = stage(
        Script::default()
            .on(Point::Get, 1, Fault::BreaksAt(150))
            .on(Point::Get, 2, Fault::StallsAt(150))
            .on(Point::Get, 3, Fault::BreaksAt(5_000))
            .on(Point::Get, 4, Fault::Refused(BlobErrorKind::Unavailable)),
    );
    let (key, bytes) = (key(1, "x", 1), pattern(1_000, 1));
    put(&stage.faults, &key, 1_000).await.unwrap();
    for (at, ends) in [(150, true), (150, false), (1_000, true)] {
        let mut got = stage.faults.get(&key, None).await.unwrap().unwrap();
        let mut seen = Vec::new();
        let error = loop {
            match got.body.next().now_or_never() {
                Some(Some(Ok(chunk))) => seen.extend_from_slice(&chunk),
                Some(Some(Err(error))) => break Some(error),
                Some(None) => panic!("a short end"),
                None => break None,
            }
        };
        assert_eq!(seen, bytes[..at]);
        assert_eq!(error.is_some(), ends);
    }
    assert!(stage.faults.get(&key, None).await.is_err());
    let got = stage.faults.get(&key, None).await.unwrap().unwrap();
    assert_eq!(read(got.body).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_stale_listing_lacks_the_last_changes() {
    let stage =
        stage(Script::default().on(Point::List, 1, Fault::Stale(2)).on(Point::List, 2, Fault::Stale(1)));
    let (a, b, c) = (key(1, "a", 1), key(1, "b", 2), key(2, "c", 3));
    for key in [&a, &c, &b] {
        put(&stage.faults, key, 10).await.unwrap();
    }
    stage.faults.delete(&a).await.unwrap();
    let names = |page: BlobPage| page.blobs.into_iter().map(|listed| listed.key).collect::<Vec<_>>();
    assert_eq!(names(stage.faults.list(1, None).await.unwrap()), std::slice::from_ref(&a));
    assert_eq!(names(stage.faults.list(1, None).await.unwrap()), [b.clone(), a]);
    assert_eq!(names(stage.faults.list(1, None).await.unwrap()), [b]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_waits_and_a_stalled_one_never_answers() {
    let stage = stage(Script::default().on(Point::Head, 1, Fault::Slow(Duration::from_secs(5))).on(
        Point::Head,
        2,
        Fault::Stalled,
    ));
    let key = key(1, "x", 1);
    let before = tokio::time::Instant::now();
    assert!(stage.faults.head(&key).await.unwrap().is_none());
    assert_eq!(before.elapsed(), Duration::from_secs(5));
    assert!(tokio::time::timeout(Duration::from_secs(86_400), stage.faults.head(&key)).await.is_err());
    assert!(stage.faults.head(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_closure_is_a_plan_and_a_fault_that_does_not_fit_is_a_bug() {
    let inner: Arc<dyn BlobStore> = Arc::new(MemoryBlobs::new());
    let plan = |call: &Call<'_>| (call.key.is_some_and(|key| key.bid == 7)).then_some(Fault::Stale(1));
    let faults = Faults::new(inner, Tasks::new(), Arc::new(plan));
    put(&faults, &key(1, "x", 1), 10).await.unwrap();
    assert_eq!(put(&faults, &key(7, "x", 1), 10).await.unwrap_err().kind(), BlobErrorKind::Bug);
    assert_eq!(faults.head(&key(7, "x", 1)).await.unwrap_err().kind(), BlobErrorKind::Bug);
}
