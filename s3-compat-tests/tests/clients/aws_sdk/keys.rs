//! Keys are bytes, not paths.

use s3_compat_tests::body;

use super::{BUCKET, Fixture, MIB, assert_same};

/// Keys that another server takes for a path, an escape, or markup.
fn odd_keys() -> Vec<String> {
    let odd = [
        "x",
        "x/",
        "x/y",
        "x//",
        "x//y",
        "//",
        "/lead",
        "tail/",
        ".",
        "..",
        "../up",
        "a/./b",
        "a/../b",
        "a b",
        "a+b",
        "a%2Fb",
        "a%b",
        "a&b",
        "<a>",
        "'\"",
        "a\\b",
        "a:b",
        "a?b=c",
        "a#b",
        "~!@$^*()_-={}[]|;,",
        "tab\there",
        "ü",
        "u\u{308}",
        "日本",
        "🦀",
        "a/00000000-0000-7000-8000-000000000000",
        "CON",
        "a.",
    ];
    let mut keys: Vec<String> = odd.map(str::to_owned).to_vec();
    keys.extend(["k".repeat(1024), format!("{}/", "d".repeat(1023)), "é".repeat(512)]);
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn odd_keys_live_side_by_side() {
    let f = Fixture::new().await;
    let keys = odd_keys();
    for key in &keys {
        f.put(key, key.as_bytes()).await;
    }
    for key in &keys {
        assert_eq!(f.get(key).await, key.as_bytes(), "{key:?}");
    }
    let mut listed = Vec::new();
    let mut pages = f.s3.list_objects_v2().bucket(BUCKET).max_keys(7).into_paginator().send();
    while let Some(page) = pages.next().await {
        listed.extend(page.unwrap().contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!(listed, keys, "in the order of their bytes");
    for (at, key) in keys.iter().enumerate() {
        f.s3.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
        f.assert_absent(key).await;
        if let Some(next) = keys.get(at + 1) {
            assert_eq!(f.get(next).await, next.as_bytes(), "{key:?} took {next:?} with it");
        }
    }
    f.finish();
}

#[tokio::test]
async fn odd_keys_hold_large_bodies_too() {
    let f = Fixture::new().await;
    let keys = ["x", "x/", "x/y", "..", "/lead", "a%2Fb", "日本", &"k".repeat(1024)];
    for (seed, key) in keys.iter().enumerate() {
        f.put(key, &body::random(MIB + 1 + seed, seed as u64)).await;
    }
    for (seed, key) in keys.iter().enumerate() {
        assert_same(&f.get(key).await, &body::random(MIB + 1 + seed, seed as u64));
    }
    f.finish();
}
