//! The three endings of a put, and what must not be left behind.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::{self, StreamExt};

use super::{Subject, assert_holds, body, body_with_pauses, key, pattern};
use crate::blob::{BlobBody, SizeHint};
use crate::error::{BlobErrorKind, BodyError, PutOutcome};
use crate::length::LengthMismatch;

/// Polls `work` at most `polls` times and drops it. With `linger` it is dropped only when it is woken after the last poll, else at
/// once, while what it waits for is still under way. `None`: it was dropped.
async fn polled<F: Future>(work: F, polls: usize, linger: bool) -> Option<F::Output> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 && !linger => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A put is dropped after its first poll, after its second, and so on until it completes. Each time a delete leaves nothing, and
/// nothing appears later.
pub async fn put_dropped_at_every_poll_then_delete_leaves_nothing(subject: Subject) {
    let bytes = pattern(1_400_000, 5);
    let hint = SizeHint::Exact(bytes.len() as u64);
    for linger in [false, true] {
        let mut completed = false;
        for polls in 0..10_000 {
            let key = key(1, "dropped", polls as u64 + 1);
            let put = subject.store.put(&key, body_with_pauses(bytes.clone(), 500_000), hint);
            if let Some(outcome) = polled(put, polls, linger).await {
                outcome.unwrap();
                assert_holds(&*subject.store, &key, &bytes).await;
                completed = true;
            }
            subject.delete_and_find_nothing(&key).await;
            if completed {
                break;
            }
        }
        assert!(completed, "the put never completed");
    }
    assert!(subject.all(1).await.is_empty());
}

/// A put whose body stalls (at once, in the middle, before its end) is given up; a delete leaves nothing.
pub async fn put_timed_out_then_delete_leaves_nothing(subject: Subject) {
    let bytes = pattern(1_200_000, 6);
    for (number, sent) in [0, 1, 600_000, 1_200_000].into_iter().enumerate() {
        let key = key(1, "stalled", number as u64);
        let stalled: BlobBody = Box::pin(body(bytes.slice(..sent), 400_000).chain(stream::pending()));
        let put = subject.store.put(&key, stalled, SizeHint::Exact(bytes.len() as u64));
        assert!(tokio::time::timeout(Duration::from_millis(30), put).await.is_err(), "stored a stalled body");
        subject.assert_absent(&key).await;
        subject.delete_and_find_nothing(&key).await;
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the line broke at {0}")]
struct Broke(usize);

/// A body that breaks ends the put settled: nothing is there, without a delete, and the error is the body's own.
pub async fn a_body_that_breaks_leaves_nothing_and_its_own_error_comes_back(subject: Subject) {
    let bytes = pattern(1_200_000, 7);
    for (number, at) in [0, 1, 500_000, 1_200_000].into_iter().enumerate() {
        let key = key(1, "broken", number as u64);
        let end = stream::once(async move { Err::<Bytes, _>(BodyError::new(Broke(at))) });
        let broken: BlobBody = Box::pin(body(bytes.slice(..at), 300_000).chain(end));
        let error = subject.store.put(&key, broken, SizeHint::AtLeast(0)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Body, PutOutcome::Settled));
        assert_eq!(*error.into_body_error().unwrap().source.downcast::<Broke>().unwrap(), Broke(at));
        subject.assert_absent(&key).await;
        (subject.settle)().await;
        assert_eq!((subject.leftovers)(), 0);
    }
}

/// A body that is shorter or longer than its exact hint, or shorter than its least one, is refused and leaves nothing.
pub async fn a_body_of_another_length_is_refused_and_leaves_nothing(subject: Subject) {
    let bytes = pattern(900_000, 8);
    let size = bytes.len() as u64;
    let hints = [
        SizeHint::Exact(0),
        SizeHint::Exact(size - 1),
        SizeHint::Exact(size + 1),
        SizeHint::AtLeast(size + 1),
    ];
    for (number, hint) in hints.into_iter().enumerate() {
        let key = key(1, "length", number as u64);
        let error = subject.store.put(&key, body(bytes.clone(), 100_000), hint).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Body, PutOutcome::Settled), "{hint:?}");
        let mismatch = error.into_body_error().unwrap().source.downcast::<LengthMismatch>().unwrap();
        assert_eq!(mismatch.announced, hint);
        subject.assert_absent(&key).await;
        (subject.settle)().await;
        assert_eq!((subject.leftovers)(), 0);
    }
}

/// A blob does not exist in any way until its body has ended: the store relies on it to hold back the last chunk.
pub async fn nothing_is_visible_before_the_last_chunk(subject: Subject) {
    let bytes = pattern(1_300_000, 10);
    let key = key(1, "gated", 1);
    let (mut gate, gated) = mpsc::channel::<Result<Bytes, BodyError>>(16);
    let put = subject.store.put(&key, Box::pin(gated), SizeHint::Exact(bytes.len() as u64));
    let opened = async {
        for chunk in [bytes.slice(..1_000_000), bytes.slice(1_000_000..1_299_999)] {
            gate.try_send(Ok(chunk)).unwrap();
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                subject.assert_absent(&key).await;
            }
        }
        gate.try_send(Ok(bytes.slice(1_299_999..))).unwrap();
        drop(gate);
    };
    let (stored, ()) = futures::join!(put, opened);
    assert_eq!(stored.unwrap().size, bytes.len() as u64);
    assert_holds(&*subject.store, &key, &bytes).await;
}
