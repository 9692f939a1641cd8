//! Listings, versions 1 and 2.

use aws_sdk_s3::types::EncodingType;
use futures::StreamExt as _;

use super::{BUCKET, Fixture};

const KEYS: [&str; 9] = ["a", "b/1", "b/2", "b/c/3", "b0", "d/4", "e", "e/", "e/5"];

async fn filled() -> Fixture {
    let f = Fixture::new().await;
    for key in KEYS {
        f.put(key, key.as_bytes()).await;
    }
    f
}

/// Keys and common prefixes of all pages, and the number of pages, of a version 2 listing.
async fn list(f: &Fixture, prefix: &str, delimiter: &str, page: i32) -> (Vec<String>, Vec<String>, usize) {
    let (mut keys, mut prefixes, mut count) = (Vec::new(), Vec::new(), 0);
    let list = f.s3.list_objects_v2().bucket(BUCKET).prefix(prefix).delimiter(delimiter).max_keys(page);
    let mut pages = list.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        let (objects, commons) = (page.contents(), page.common_prefixes());
        assert_eq!(page.key_count(), Some(i32::try_from(objects.len() + commons.len()).unwrap()));
        keys.extend(objects.iter().map(|object| object.key().unwrap().to_owned()));
        prefixes.extend(commons.iter().map(|common| common.prefix().unwrap().to_owned()));
        assert_eq!(page.is_truncated() == Some(true), page.next_continuation_token().is_some());
        count += 1;
    }
    (keys, prefixes, count)
}

#[tokio::test]
async fn pages_of_every_size_give_the_same_listing() {
    let f = filled().await;
    for page in [1, 2, 3, 1000] {
        assert_eq!(list(&f, "", "", page).await.0, KEYS);
        let (keys, prefixes, _) = list(&f, "", "/", page).await;
        assert_eq!((keys, prefixes), (owned(&["a", "b0", "e"]), owned(&["b/", "d/", "e/"])));
        let (keys, prefixes, _) = list(&f, "b/", "/", page).await;
        assert_eq!((keys, prefixes), (owned(&["b/1", "b/2"]), owned(&["b/c/"])));
        assert_eq!(list(&f, "b", "", page).await.0, ["b/1", "b/2", "b/c/3", "b0"]);
        assert_eq!(list(&f, "nothing", "/", page).await, (vec![], vec![], 1));
    }
    assert_eq!(list(&f, "", "", 9).await.2, 1, "a page that ends with the last key is the last");
    assert_eq!(list(&f, "", "", 3).await.2, 3);
    f.finish();
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[tokio::test]
async fn a_delimiter_may_be_any_text() {
    let f = Fixture::new().await;
    for key in ["a::b", "a::c", "a:d", "x--y", "z"] {
        f.put(key, b"").await;
    }
    assert_eq!(list(&f, "", "::", 10).await, (owned(&["a:d", "x--y", "z"]), owned(&["a::"]), 1));
    assert_eq!(list(&f, "", "--", 10).await, (owned(&["a::b", "a::c", "a:d", "z"]), owned(&["x--"]), 1));
    f.finish();
}

#[tokio::test]
async fn start_after_leaves_out_what_is_not_behind_it() {
    let f = filled().await;
    let page = f.s3.list_objects_v2().bucket(BUCKET).start_after("b/2").send().await.unwrap();
    let keys: Vec<_> = page.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, KEYS[3..]);
    f.finish();
}

#[tokio::test]
async fn a_page_of_no_keys_is_empty_and_complete() {
    let f = filled().await;
    let page = f.s3.list_objects_v2().bucket(BUCKET).max_keys(0).send().await.unwrap();
    assert!(page.contents().is_empty());
    assert_eq!((page.is_truncated(), page.key_count(), page.max_keys()), (Some(false), Some(0), Some(0)));
    f.finish();
}

#[tokio::test]
async fn an_entry_tells_size_etag_and_time() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"12345").await;
    let page = f.s3.list_objects_v2().bucket(BUCKET).fetch_owner(true).send().await.unwrap();
    let [entry] = page.contents() else { panic!("{page:?}") };
    assert_eq!((entry.size(), entry.e_tag()), (Some(5), Some(etag.as_str())));
    assert!(entry.last_modified().is_some() && entry.owner().is_some());
    assert!(f.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap().contents()[0].owner().is_none());
    f.finish();
}

#[tokio::test]
async fn version_1_goes_on_from_a_marker() {
    let f = filled().await;
    let (mut seen, mut marker) = (Vec::new(), None);
    loop {
        let list = f.s3.list_objects().bucket(BUCKET).delimiter("/").max_keys(2).set_marker(marker.clone());
        let page = list.send().await.unwrap();
        seen.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        seen.extend(page.common_prefixes().iter().map(|common| common.prefix().unwrap().to_owned()));
        if page.is_truncated() != Some(true) {
            break;
        }
        marker = Some(page.next_marker().expect("a delimiter was given").to_owned());
    }
    assert_eq!(seen, ["a", "b/", "b0", "d/", "e", "e/"]);
    let rest = f.s3.list_objects().bucket(BUCKET).marker("b0").send().await.unwrap();
    let keys: Vec<_> = rest.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(keys, KEYS[5..]);
    f.finish();
}

#[tokio::test]
async fn names_are_escaped_when_asked_and_not_otherwise() {
    let f = Fixture::new().await;
    f.put("a b+c%/ü&<", b"").await;
    let plain = f.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    assert_eq!(plain.contents()[0].key(), Some("a b+c%/ü&<"));
    assert_eq!(plain.encoding_type(), None);
    let escaped = f.s3.list_objects_v2().bucket(BUCKET).delimiter("/").encoding_type(EncodingType::Url);
    let escaped = escaped.send().await.unwrap();
    let prefix = escaped.common_prefixes()[0].prefix().unwrap();
    assert!(
        ["a+b%2Bc%25/", "a%20b%2Bc%25/", "a+b%2Bc%25%2F", "a%20b%2Bc%25%2F"].contains(&prefix),
        "{prefix}"
    );
    assert_eq!(escaped.encoding_type(), Some(&EncodingType::Url));
    f.finish();
}

#[tokio::test]
async fn a_listing_shows_each_write_and_each_delete_at_once() {
    let f = Fixture::new().await;
    for round in 0..20 {
        let key = format!("key/{round}");
        f.put(&key, b"x").await;
        assert_eq!(list(&f, "", "", 1000).await.0, [key.as_str()]);
        f.s3.delete_object().bucket(BUCKET).key(&key).send().await.unwrap();
        assert!(list(&f, "", "", 1000).await.0.is_empty());
    }
    f.finish();
}

#[tokio::test]
async fn a_thousand_keys_are_a_page() {
    let f = Fixture::new().await;
    let keys: Vec<String> = (0..1100).map(|n| format!("key {n:04}")).collect();
    futures::stream::iter(&keys).for_each_concurrent(16, async |key| drop(f.put(key, b"x").await)).await;
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    let mut list = f.s3.list_objects_v2().bucket(BUCKET).into_paginator().send();
    while let Some(page) = list.next().await {
        let page = page.unwrap();
        pages.push(page.contents().len());
        seen.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!((pages, seen), (vec![1000, 100], keys));
    f.finish();
}
