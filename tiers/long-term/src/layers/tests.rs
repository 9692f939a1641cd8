use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::{self, StreamExt};
use prometheus::Registry;
use terrace_runtime::{Clock, ManualClock, SeededIds, SystemClock, Tasks};

use super::limit::{Limit, LimitOptions};
use super::measure::{Measure, TierMetrics};
use super::retry::Retry;
use super::timeout::{Timeout, TimeoutOptions};
use crate::faults::{Fault, Faults, Point, Script};
use crate::laws::{Subject, body, key, pattern, read};
use crate::{BlobBody, BlobErrorKind, BlobStore, BodyError, MemoryBlobs, PutOutcome, SizeHint};

fn memory() -> Arc<dyn BlobStore> {
    Arc::new(MemoryBlobs::with_page(10))
}

fn retried(inner: Arc<dyn BlobStore>) -> Retry {
    Retry::new(inner, Arc::new(SeededIds::new(1, Arc::new(ManualClock::at(0)))))
}

fn measured(inner: Arc<dyn BlobStore>, registry: &Registry, clock: Arc<dyn Clock>) -> Measure {
    Measure::new(inner, &TierMetrics::register(registry).unwrap(), clock)
}

macro_rules! laws_of_a_layer {
    ($module:ident, $layer:expr) => {
        mod $module {
            use super::*;
            async fn subject() -> Subject {
                let layer: fn(Arc<dyn BlobStore>) -> Arc<dyn BlobStore> = $layer;
                Subject::plain(layer(memory()))
            }
            crate::blob_store_laws!(subject);
            crate::blob_store_local_laws!(subject);
        }
    };
}

laws_of_a_layer!(retry, |inner| Arc::new(retried(inner)));
laws_of_a_layer!(timeout, |inner| Arc::new(Timeout::new(inner, TimeoutOptions::default())));
laws_of_a_layer!(limit, |inner| Arc::new(Limit::new(inner, LimitOptions::default())));
laws_of_a_layer!(measure, |inner| {
    Arc::new(measured(inner, &Registry::new(), Arc::new(SystemClock::new())))
});
laws_of_a_layer!(all_together, |inner| {
    let timed = Arc::new(Timeout::new(inner, TimeoutOptions::default()));
    let limited = Arc::new(Limit::new(Arc::new(retried(timed)), LimitOptions::default()));
    Arc::new(measured(limited, &Registry::new(), Arc::new(SystemClock::new())))
});

fn faulty(script: Script) -> Faults {
    Faults::new(memory(), Tasks::new(), Arc::new(script))
}

fn whole(size: usize) -> BlobBody {
    body(pattern(size, 1), 100)
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_tried_four_times_and_a_put_or_a_lasting_error_once() {
    let points =
        [Point::Get, Point::Head, Point::Delete, Point::List, Point::Deployment, Point::Put, Point::Copy];
    let mut script = Script::default();
    for point in points {
        for nth in 1..=3 {
            script = script.on(point, nth, Fault::Refused(BlobErrorKind::Unavailable));
        }
    }
    let faults = faulty(script);
    let store = retried(Arc::new(faults.clone()));
    let (key, other) = (key(1, "x", 1), key(1, "y", 2));
    assert!(store.get(&key, None).await.unwrap().is_none());
    store.head(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    store.list(1, None).await.unwrap();
    store.deployment().await.unwrap();
    store.put(&key, whole(10), SizeHint::Exact(10)).await.unwrap_err();
    store.copy(&key, &other).await.unwrap_err();
    assert_eq!(points.map(|point| faults.calls(point)), [4, 4, 4, 4, 4, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_gives_up_after_its_last_try_and_never_repeats_a_lasting_error() {
    let mut script = Script::default().on(Point::Head, 1, Fault::Refused(BlobErrorKind::Corrupt));
    for nth in 1..=5 {
        script = script.on(Point::Delete, nth, Fault::Refused(BlobErrorKind::Throttled));
    }
    let faults = faulty(script);
    let store = retried(Arc::new(faults.clone()));
    let key = key(1, "x", 1);
    assert_eq!(store.head(&key).await.unwrap_err().kind(), BlobErrorKind::Corrupt);
    let before = tokio::time::Instant::now();
    assert_eq!(store.delete(&key).await.unwrap_err().kind(), BlobErrorKind::Throttled);
    let waited = before.elapsed();
    assert!(waited >= Duration::from_millis(350) && waited <= Duration::from_millis(703), "{waited:?}");
    assert_eq!((faults.calls(Point::Head), faults.calls(Point::Delete)), (1, 4));
}

const SHORT: TimeoutOptions = TimeoutOptions {
    call: Duration::from_secs(1),
    idle: Duration::from_secs(2),
    finish: Duration::from_secs(4),
};

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_timed_out() {
    let script = [Point::Put, Point::Copy, Point::Get, Point::Head, Point::Delete, Point::List]
        .into_iter()
        .fold(Script::default(), |script, point| script.on(point, 1, Fault::Stalled));
    let store = Timeout::new(Arc::new(faulty(script)), SHORT);
    let (a, b) = (key(1, "a", 1), key(1, "b", 2));
    for error in [
        store.put(&a, whole(10), SizeHint::Exact(10)).await.unwrap_err(),
        store.copy(&a, &b).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::TimedOut, PutOutcome::Unknown));
    }
    for error in [
        store.get(&a, None).await.err().unwrap(),
        store.head(&a).await.unwrap_err(),
        store.delete(&a).await.unwrap_err(),
        store.list(1, None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), BlobErrorKind::TimedOut);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stalls_ends_with_an_error_and_a_slow_reader_does_not() {
    let faults = faulty(Script::default().on(Point::Get, 1, Fault::StallsAt(1_000)));
    let store = Timeout::new(Arc::new(faults), SHORT);
    let key = key(1, "x", 1);
    store.put(&key, whole(200_000), SizeHint::Exact(200_000)).await.unwrap();
    let mut got = store.get(&key, None).await.unwrap().unwrap();
    assert_eq!(got.body.next().await.unwrap().unwrap().len(), 1_000);
    let error = got.body.next().await.unwrap().unwrap_err().source.downcast::<crate::BlobError>().unwrap();
    assert_eq!(error.kind(), BlobErrorKind::TimedOut);
    assert!(got.body.next().await.is_none());
    let mut got = store.get(&key, None).await.unwrap().unwrap();
    let mut seen = 0;
    while let Some(chunk) = got.body.next().await {
        seen += chunk.unwrap().len();
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(seen, 200_000);
}

#[tokio::test(start_paused = true)]
async fn a_put_is_not_timed_out_for_the_slowness_of_its_body() {
    let store = Timeout::new(memory(), SHORT);
    let slow =
        stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"cd"))]).then(|chunk| async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            chunk
        });
    let key = key(1, "x", 1);
    store.put(&key, Box::pin(slow), SizeHint::Exact(4)).await.unwrap();
    assert_eq!(store.head(&key).await.unwrap().unwrap().size, 4);
}

#[tokio::test(start_paused = true)]
async fn a_put_whose_backend_hangs_is_timed_out() {
    for (at, allowed) in [(500, SHORT.idle), (9_999, SHORT.finish)] {
        let faults = faulty(Script::default().on(Point::Put, 1, Fault::StallsAt(at)));
        let store = Timeout::new(Arc::new(faults), SHORT);
        let before = tokio::time::Instant::now();
        let error = store.put(&key(1, "x", 1), whole(1_000), SizeHint::Exact(1_000)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::TimedOut, PutOutcome::Unknown));
        let waited = before.elapsed();
        assert!(waited >= allowed && waited < 2 * allowed + Duration::from_millis(10), "{waited:?}");
    }
}

#[tokio::test]
async fn no_more_than_the_limit_are_under_way_and_one_too_many_is_throttled() {
    let store = Limit::new(memory(), LimitOptions { puts: 1, gets: 1, waiting: 1 });
    let (a, b, c) = (key(1, "a", 1), key(1, "b", 2), key(1, "c", 3));
    let (mut gate, gated) = mpsc::channel::<Result<Bytes, BodyError>>(4);
    let mut first = store.put(&a, Box::pin(gated), SizeHint::AtLeast(0));
    let mut second = store.put(&b, whole(10), SizeHint::Exact(10));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
    let refused = store.put(&c, whole(10), SizeHint::Exact(10)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (BlobErrorKind::Throttled, PutOutcome::Settled));
    gate.try_send(Ok(Bytes::from_static(b"done"))).unwrap();
    drop(gate);
    first.await.unwrap();
    second.await.unwrap();
    store.put(&c, whole(10), SizeHint::Exact(10)).await.unwrap();
}

#[tokio::test]
async fn a_get_keeps_its_permit_until_its_stream_ends_or_is_dropped() {
    let store = Limit::new(memory(), LimitOptions { puts: 1, gets: 1, waiting: 0 });
    let key = key(1, "x", 1);
    store.put(&key, whole(1_000), SizeHint::Exact(1_000)).await.unwrap();
    for read_to_the_end in [true, false] {
        let got = store.get(&key, None).await.unwrap().unwrap();
        assert_eq!(store.get(&key, None).await.err().unwrap().kind(), BlobErrorKind::Throttled);
        if read_to_the_end {
            read(got.body).await.unwrap();
        } else {
            drop(got);
        }
    }
    let mut got = store.get(&key, None).await.unwrap().unwrap();
    while got.body.next().await.is_some() {}
    assert!(store.get(&key, None).await.unwrap().is_some(), "an ended stream holds no permit");
}

#[tokio::test]
async fn the_metrics_have_their_names_labels_seconds_and_bytes() {
    let (registry, clock) = (Registry::new(), Arc::new(ManualClock::at(0)));
    let store = measured(memory(), &registry, Arc::clone(&clock) as Arc<dyn Clock>);
    let moving = Arc::clone(&clock);
    let slow = stream::iter([pattern(600, 1), pattern(400, 2)]).map(move |chunk| {
        moving.advance(Duration::from_secs(2));
        Ok(chunk)
    });
    let key = key(1, "x", 1);
    store.put(&key, Box::pin(slow), SizeHint::Exact(1_000)).await.unwrap();
    store.get(&key, Some(900..5_000)).await.unwrap().unwrap();
    store.head(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    assert!(store.get(&key, None).await.unwrap().is_none());
    let families = registry.gather();
    let seen: Vec<_> = families
        .iter()
        .map(|family| {
            let metric = &family.get_metric()[0];
            let labels: Vec<_> = metric.get_label().iter().map(|l| (l.name(), l.value())).collect();
            assert_eq!(labels, [("backend", "memory"), ("tier", "long_term")]);
            let histogram = metric.get_histogram();
            (family.name(), histogram.get_sample_count(), histogram.get_sample_sum())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("delete_latency", 1, 0.0),
            ("get_latency_pre_response", 1, 0.0),
            ("get_size", 1, 100.0),
            ("head_latency", 1, 0.0),
            ("put_first_chunk_latency", 1, 2.0),
            ("put_latency", 1, 4.0),
            ("put_size", 1, 1_000.0),
        ]
    );
    assert!(TierMetrics::register(&registry).is_err(), "the names are taken");
}
