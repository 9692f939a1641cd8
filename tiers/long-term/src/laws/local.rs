//! Laws of the stores whose deletes see the puts and the readers under way.

use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::StreamExt;

use super::{Subject, key, pattern, put, read};
use crate::blob::SizeHint;
use crate::error::{BlobErrorKind, BodyError, PutOutcome};

/// A reader holds its blob: a delete meanwhile takes nothing from it.
pub async fn a_reader_that_opened_before_a_delete_reads_to_the_end(subject: Subject) {
    let (key, bytes) = (key(1, "read", 1), pattern(4_000_000, 1));
    put(&*subject.store, &key, &bytes).await;
    let mut got = subject.store.get(&key, None).await.unwrap().unwrap();
    let first = got.body.next().await.unwrap().unwrap();
    let untouched = subject.store.get(&key, Some(1_000_000..3_999_999)).await.unwrap().unwrap();
    subject.delete_and_find_nothing(&key).await;
    assert!(first == bytes[..first.len()]);
    assert!(read(got.body).await.unwrap() == bytes[first.len()..]);
    assert!(read(untouched.body).await.unwrap() == bytes[1_000_000..3_999_999]);
}

/// After a delete, the puts of that blob that were under way end settled and store nothing, however much of their bodies had come.
pub async fn a_delete_takes_back_the_puts_under_way(subject: Subject) {
    let bytes = pattern(2_500_000, 2);
    for (number, sent) in [0, 1, 1_250_000, 2_500_000].into_iter().enumerate() {
        let key = key(1, "revoked", number as u64);
        let (mut gate, gated) = mpsc::channel::<Result<Bytes, BodyError>>(16);
        let put = subject.store.put(&key, Box::pin(gated), SizeHint::Exact(bytes.len() as u64));
        let deleted = async {
            gate.try_send(Ok(bytes.slice(..sent))).unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            subject.delete_and_find_nothing(&key).await;
            // The put may have noticed and dropped its body: then there is nobody to take the rest.
            drop(gate.try_send(Ok(bytes.slice(sent..))));
            drop(gate);
        };
        let (outcome, ()) = futures::join!(put, deleted);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::Unavailable, PutOutcome::Settled));
        subject.assert_absent(&key).await;
        assert_eq!((subject.leftovers)(), 0);
    }
    let key = key(1, "revoked", 0);
    super::put(&*subject.store, &key, &bytes).await;
    super::assert_holds(&*subject.store, &key, &bytes).await;
}

/// However a delete and a put that began before it meet, the blob is not there once both have ended.
pub async fn a_delete_wins_every_race_with_a_put(subject: Subject) {
    let bytes = pattern(600_000, 3);
    let (mut stored, mut taken_back) = (0, 0);
    for delay in (0..64).chain((0..64).map(|n| n * 16)) {
        let key = key(1, "raced", delay);
        let hint = SizeHint::Exact(bytes.len() as u64);
        let put = subject.store.put(&key, super::body(bytes.clone(), 200_000), hint);
        let deleted = async {
            for _ in 0..delay {
                tokio::task::yield_now().await;
            }
            subject.store.delete(&key).await.unwrap();
        };
        match futures::join!(put, deleted).0 {
            Ok(_) => stored += 1,
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.outcome()),
                    (BlobErrorKind::Unavailable, PutOutcome::Settled)
                );
                taken_back += 1;
            }
        }
        subject.assert_absent(&key).await;
    }
    (subject.settle)().await;
    assert_eq!((subject.leftovers)(), 0);
    assert_eq!((subject.all(1).await.len(), stored + taken_back), (0, 128));
}
