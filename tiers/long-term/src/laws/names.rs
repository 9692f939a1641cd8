//! Names: listings, keys, buckets, copies.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future::join_all;

use super::{Subject, assert_holds, key, pattern, put};
use crate::blob::Listed;

/// The pages of a listing hold each finished blob of the bucket once, with its key, revision and size, and no other.
pub async fn a_listing_has_each_blob_exactly_once_with_its_name(subject: Subject) {
    let store = &*subject.store;
    assert!(subject.all(7).await.is_empty());
    // Revisions whose last bytes repeat, so that a directory of them has several pages.
    let blobs: Vec<_> = (0..60_u64)
        .map(|n| (key(7, format!("listed/{n}"), (n << 8) | (n % 3)), pattern(n as usize, n)))
        .collect();
    for group in blobs.chunks(12) {
        join_all(group.iter().map(|(key, bytes)| put(store, key, bytes))).await;
    }
    let listed = subject.all(7).await;
    let expected: BTreeSet<_> = blobs.iter().map(|(key, bytes)| (key.clone(), bytes.len() as u64)).collect();
    assert_eq!(listed.len(), blobs.len());
    assert_eq!(listed.into_iter().map(|Listed { key, size }| (key, size)).collect::<BTreeSet<_>>(), expected);
    for (key, _) in &blobs {
        store.delete(key).await.unwrap();
    }
    assert!(subject.all(7).await.is_empty());
}

/// Keys are bytes: whatever they look like, each is its own blob, and listings give them back exactly.
pub async fn keys_that_look_like_paths_live_side_by_side(subject: Subject) {
    let store = &*subject.store;
    let mut keys: Vec<Bytes> = [
        "x",
        "x/",
        "x/y",
        "//",
        "/",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "a\0b",
        "\0",
        "\n",
        "\r\n",
        "terrace-deployment",
        "uploads",
        "x/01890000000070008000000000000000",
        "C:\\x",
        "%2e%2e",
        "ключ",
        " ",
    ]
    .into_iter()
    .map(|name| Bytes::from_static(name.as_bytes()))
    .collect();
    keys.push(Bytes::from(vec![b'k'; 1_024]));
    keys.push(Bytes::from(vec![b'/'; 1_024]));
    keys.push(Bytes::from(vec![0xFF, 0xFE, 0x00, 0x80]));
    let blobs: Vec<_> = keys
        .into_iter()
        .enumerate()
        .map(|(n, name)| (key(1, name, n as u64 + 1), pattern(1_000 + n, n as u64)))
        .collect();
    for (key, bytes) in &blobs {
        put(store, key, bytes).await;
    }
    for (key, bytes) in &blobs {
        assert_holds(store, key, bytes).await;
    }
    let listed: BTreeSet<_> = subject.all(1).await.into_iter().map(|listed| listed.key).collect();
    assert_eq!(listed, blobs.iter().map(|(key, _)| key.clone()).collect());
    for (n, (key, _)) in blobs.iter().enumerate() {
        subject.delete_and_find_nothing(key).await;
        for (other, bytes) in blobs.iter().skip(n + 1).take(1) {
            assert_holds(store, other, bytes).await;
        }
    }
}

/// The same key and revision in two buckets are two blobs.
pub async fn buckets_do_not_see_each_other(subject: Subject) {
    let store = &*subject.store;
    assert_eq!(store.buckets().await.unwrap(), Vec::<u64>::new());
    let buckets = [0, 1, 2, u64::MAX];
    for bid in buckets {
        put(store, &key(bid, "same", 1), &pattern(5_000, bid)).await;
    }
    assert_eq!(store.buckets().await.unwrap().into_iter().collect::<BTreeSet<_>>(), buckets.into());
    subject.delete_and_find_nothing(&key(1, "same", 1)).await;
    for bid in [0, 2, u64::MAX] {
        assert_holds(store, &key(bid, "same", 1), &pattern(5_000, bid)).await;
        assert_eq!(subject.all(bid).await.len(), 1);
    }
}

/// A copy is a whole blob of its own: it equals its source and outlives it. No source: `None`, and no blob.
pub async fn a_copy_equals_its_source_and_an_absent_source_is_none(subject: Subject) {
    let store = &*subject.store;
    for (number, size) in [0, 1, 65_537, 3_000_001].into_iter().enumerate() {
        let number = number as u64;
        let (from, to) = (key(1, "from", number), key(2, "to/elsewhere", number + 50));
        let bytes = pattern(size, number);
        assert!(store.copy(&from, &to).await.unwrap().is_none());
        subject.assert_absent(&to).await;
        put(store, &from, &bytes).await;
        assert_eq!(store.copy(&from, &to).await.unwrap().unwrap().size, size as u64);
        assert_holds(store, &from, &bytes).await;
        subject.delete_and_find_nothing(&from).await;
        assert_holds(store, &to, &bytes).await;
        assert!(subject.all(2).await.iter().any(|listed| listed.key == to));
    }
}
