//! What goes in comes out.

use futures::future::join_all;

use super::{Subject, assert_holds, body, key, pattern, put, read};
use crate::blob::SizeHint;

/// A blob holds exactly the bytes of its body, for sizes around every buffer a backend may have.
pub async fn what_is_put_is_got(subject: Subject) {
    let store = &*subject.store;
    let sizes = [0, 1, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 5_000_001];
    for (number, size) in sizes.into_iter().enumerate() {
        for (hint, exact) in [(SizeHint::Exact(size as u64), 0), (SizeHint::AtLeast(size as u64 / 2), 100)] {
            let (key, bytes) = (key(1, "size", number as u64 + exact), pattern(size, number as u64));
            let stored = store.put(&key, body(bytes.clone(), 100_000), hint).await.unwrap();
            assert_eq!(stored.size, size as u64);
            assert_holds(store, &key, &bytes).await;
        }
    }
}

/// The chunks of a body leave no trace: one byte each, one large one, and empty ones between.
pub async fn many_small_chunks_are_one_body(subject: Subject) {
    let store = &*subject.store;
    for (number, (size, chunk)) in
        [(20_000, 1), (300_000, 7), (900_000, 4_097), (3_000_000, 3_000_000)].into_iter().enumerate()
    {
        let (key, bytes) = (key(1, "chunks", number as u64), pattern(size, 3));
        store.put(&key, body(bytes.clone(), chunk), SizeHint::Exact(size as u64)).await.unwrap();
        assert_holds(store, &key, &bytes).await;
        let paused = super::body_with_pauses(bytes.clone(), size / 3 + 1);
        let again = super::key(1, "pauses", 100 + number as u64);
        store.put(&again, paused, SizeHint::Exact(size as u64)).await.unwrap();
        assert_holds(store, &again, &bytes).await;
    }
}

/// A range yields exactly its bytes; what lies beyond the end is cut off; the size is always the whole body's.
pub async fn ranges_are_exact_and_clamped(subject: Subject) {
    let store = &*subject.store;
    let (size, key) = (1_500_001, key(1, "range", 1));
    let bytes = pattern(size, 9);
    put(store, &key, &bytes).await;
    let whole = size as u64;
    let cases = [
        (0..0, 0..0),
        (0..1, 0..1),
        (1..whole, 1..size),
        (0..whole, 0..size),
        (65_535..65_538, 65_535..65_538),
        (262_143..1_048_577, 262_143..1_048_577),
        (whole - 1..whole, size - 1..size),
        (whole - 1..u64::MAX, size - 1..size),
        (whole..whole + 10, 0..0),
        (u64::MAX - 1..u64::MAX, 0..0),
    ];
    for (asked, expected) in cases {
        let got = store.get(&key, Some(asked.clone())).await.unwrap().unwrap();
        assert_eq!(got.size, whole);
        assert!(read(got.body).await.unwrap() == bytes[expected], "range {asked:?}");
    }
}

/// What was never stored is `None`, not an error, in a bucket that was never seen as well; deleting it is fine, again and again.
pub async fn absent_is_none_and_deleting_it_is_fine(subject: Subject) {
    let store = &*subject.store;
    let absent = key(1, "absent", 1);
    subject.assert_absent(&absent).await;
    store.delete(&absent).await.unwrap();
    let present = key(1, "present", 2);
    put(store, &present, &pattern(10, 1)).await;
    subject.assert_absent(&absent).await;
    store.delete(&absent).await.unwrap();
    for _ in 0..2 {
        subject.delete_and_find_nothing(&present).await;
    }
}

/// Bodies that are stored at the same time stay apart, and so do those that are read.
pub async fn puts_at_once_do_not_mix(subject: Subject) {
    let store = &*subject.store;
    let blobs: Vec<_> = (0..24).map(|n| (key(n % 3, format!("{n}"), n), pattern(400_000, n))).collect();
    join_all(blobs.iter().map(|(key, bytes)| put(store, key, bytes))).await;
    join_all(blobs.iter().map(|(key, bytes)| assert_holds(store, key, bytes))).await;
}

/// Storing a revision again stores the same bytes: both succeed, one blob is there.
pub async fn the_same_revision_twice_is_one_blob(subject: Subject) {
    let store = &*subject.store;
    let (key, bytes) = (key(1, "twice", 1), pattern(700_000, 4));
    put(store, &key, &bytes).await;
    put(store, &key, &bytes).await;
    futures::join!(put(store, &key, &bytes), put(store, &key, &bytes));
    assert_holds(store, &key, &bytes).await;
    assert_eq!(subject.all(1).await.len(), 1);
    subject.delete_and_find_nothing(&key).await;
}
