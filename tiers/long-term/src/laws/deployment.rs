//! The marker of the deployment, and what an emptied bucket leaves.

use futures::future::join_all;

use super::{Subject, assert_holds, key, pattern, put};

/// Sixteen that bind at once agree on one of their ids, which stays.
pub async fn bind_is_create_only(subject: Subject) {
    let store = &*subject.store;
    assert_eq!(store.deployment().await.unwrap(), None);
    let answers = join_all((1..=16_u8).map(|id| store.bind([id; 16]))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let winner = answers[0];
    assert!((1..=16).any(|id| winner == [id; 16]));
    assert!(answers.iter().all(|answer| *answer == winner), "{answers:?}");
    assert_eq!(store.deployment().await.unwrap(), Some(winner));
    assert_eq!(store.bind([99; 16]).await.unwrap(), winner);
    assert_eq!(store.deployment().await.unwrap(), Some(winner));
    assert_eq!((subject.leftovers)(), 0);
    assert!(store.buckets().await.unwrap().is_empty(), "the marker is no bucket");
}

/// Forgetting a bucket never removes a blob, and a bucket that was forgotten takes blobs again, also while it is being forgotten.
pub async fn forgetting_a_bucket_removes_no_blob(subject: Subject) {
    let store = &*subject.store;
    store.forget_bucket(1).await.unwrap();
    let blobs: Vec<_> = (0..12).map(|n| (key(1, "kept", n), pattern(3_000, n))).collect();
    for (key, bytes) in &blobs[..6] {
        put(store, key, bytes).await;
        store.forget_bucket(1).await.unwrap();
        assert_holds(store, key, bytes).await;
    }
    futures::join!(join_all(blobs[6..].iter().map(|(key, bytes)| put(store, key, bytes))), async {
        for _ in 0..20 {
            store.forget_bucket(1).await.unwrap();
        }
    });
    for (key, bytes) in &blobs {
        assert_holds(store, key, bytes).await;
        store.delete(key).await.unwrap();
    }
    for _ in 0..2 {
        store.forget_bucket(1).await.unwrap();
    }
    assert!(!store.buckets().await.unwrap().contains(&1), "an empty bucket that was forgotten is gone");
    put(store, &blobs[0].0, &blobs[0].1).await;
    assert_holds(store, &blobs[0].0, &blobs[0].1).await;
}
