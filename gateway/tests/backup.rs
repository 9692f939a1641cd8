//! A backup of a store that is being written to: the copy stands on its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use terrace::admin::{Maintenance, Operations as _};
use terrace::assemble::Tiers;
use terrace::config::Settings;
use terrace::run::Base;
use terrace_store::name::{BucketName, ObjectKey};
use terrace_store::object::{Metadata, ReadCondition, WriteCondition};
use terrace_store::ops::object::{Body, GetObject, PutObject, Selection};
use terrace_store::{Boundless, Store};
use tokio::sync::watch;

const LARGE: usize = 3 << 20;
const SMALL: usize = 100;

fn base(directory: &Path) -> Base {
    let mut settings = Settings { data_dir: directory.to_owned(), ..Settings::default() };
    settings.reclaim.grace = std::time::Duration::from_millis(1);
    Base::new(settings)
}

async fn open(base: &Base) -> (Store, Tiers) {
    let tiers = Tiers::open(base, &base.settings.data_dir, false).await.unwrap();
    let store = Store::open(tiers.parts(base, Arc::new(Boundless)), &base.registry).await.unwrap();
    (store, tiers)
}

fn bucket() -> BucketName {
    BucketName::new("bucket").unwrap()
}

/// Every byte of the body of round `round` is `round`.
async fn put(store: &Store, key: &str, round: u8, size: usize) {
    let chunk = Bytes::from(vec![round; size]);
    let body = Body {
        stream: Box::pin(stream::iter([Ok(chunk)])),
        length: Some(size as u64),
        checksum: Arc::default(),
        md5: None,
    };
    let request = PutObject {
        bucket: bucket(),
        key: ObjectKey::new(key.to_owned()).unwrap(),
        metadata: Metadata::default(),
        condition: WriteCondition::default(),
        body,
    };
    store.put_object(request).await.unwrap();
}

async fn get(store: &Store, key: &str) -> Vec<u8> {
    let key = ObjectKey::new(key.to_owned()).unwrap();
    let (selection, condition) = (Selection::Whole, ReadCondition::default());
    let mut read = store.get_object(GetObject { bucket: bucket(), key, selection, condition }).await.unwrap();
    let mut all = Vec::new();
    while let Some(chunk) = read.body.next().await {
        all.extend_from_slice(&chunk.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_opens_by_itself_is_clean_and_holds_whole_objects() {
    let home = tempfile::tempdir().unwrap();
    let (data, copy) = (home.path().join("data"), home.path().join("copy"));
    let live = base(&data);
    let (store, tiers) = open(&live).await;
    store.create_bucket(bucket(), "owner").await.unwrap();
    put(&store, "large", 0, LARGE).await;
    put(&store, "small", 0, SMALL).await;

    let (done, stop) = watch::channel(false);
    let writer = live.tasks.operation("load", {
        let store = store.clone();
        async move {
            let mut round = 0_u8;
            while !*stop.borrow() {
                round = round.wrapping_add(1);
                put(&store, "large", round, LARGE).await;
                put(&store, "small", round, SMALL).await;
            }
        }
    });
    let maintenance = Maintenance::new(live.clone(), store.clone(), tiers);
    let reported = maintenance.backup(&copy).await;
    done.send_replace(true);
    writer.await.unwrap();
    assert!(reported.unwrap().clean);
    assert!(maintenance.fsck(false).await.unwrap().clean);
    maintenance.close().await.unwrap();

    let beside = Maintenance::open(base(&copy), false).await.unwrap();
    let report = beside.fsck(false).await.unwrap();
    assert!(report.clean, "{}", report.text);
    beside.close().await.unwrap();

    let copied = base(&copy);
    let (store, _tiers) = open(&copied).await;
    for (key, size) in [("large", LARGE), ("small", SMALL)] {
        let body = get(&store, key).await;
        assert_eq!(body.len(), size);
        assert!(body.iter().all(|byte| *byte == body[0]), "{key} is of two rounds");
    }
    put(&store, "after", 9, SMALL).await;
    assert_eq!(get(&store, "after").await, [9; SMALL]);
    store.close(std::time::Duration::from_secs(60)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_fails_leaves_nothing_that_could_be_taken_for_one() {
    let home = tempfile::tempdir().unwrap();
    let (data, copy) = (home.path().join("data"), home.path().join("copy"));
    let live = base(&data);
    let (store, tiers) = open(&live).await;
    store.create_bucket(bucket(), "owner").await.unwrap();
    put(&store, "large", 1, LARGE).await;
    for bucket in std::fs::read_dir(data.join("long-term")).unwrap() {
        let path = bucket.unwrap().path();
        if path.is_dir() && !path.ends_with("uploads") {
            std::fs::remove_dir_all(path).unwrap();
        }
    }
    let maintenance = Maintenance::new(live, store, tiers);
    let error = maintenance.backup(&copy).await.unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
    let left: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"]);
    let report = maintenance.fsck(false).await.unwrap();
    assert!(!report.clean && report.text.contains("Missing"), "{}", report.text);
    maintenance.close().await.unwrap();
}
