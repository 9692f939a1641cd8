//! The cost contract (data model, section 2): what each operation asks of the two tiers, as one table.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::time::Duration;

use bytes::Bytes;
use terrace_high_volume::counts::Counts;
use terrace_long_term::counts::Requests;
use terrace_store::name::ObjectKey;
use terrace_store::object::{
    Algorithm, ChecksumChoice, ChecksumType, DeleteCondition, ETagMode, Metadata, RangeRequest,
};
use terrace_store::ops::multipart::{CopyPart, CreateUpload, UploadRef};
use terrace_store::ops::object::{ListObjects, MetadataDirective, Selection, Written};
use world::{Engines, PART, THRESHOLD, World, bucket, bytes, collect, completion, key, number};

const SMALL: usize = 1_000;
const LARGE: usize = THRESHOLD + 30_000;

/// Transactions that read, round trips of point reads, of range reads, commits; requests to the long-term tier.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    read_versions: u64,
    gets: u64,
    ranges: u64,
    commits: u64,
    long_term: Requests,
}

fn cost(read_versions: u64, gets: u64, ranges: u64, commits: u64) -> Cost {
    Cost { read_versions, gets, ranges, commits, long_term: Requests::default() }
}

impl Cost {
    fn with(self, long_term: Requests) -> Self {
        Self { long_term, ..self }
    }
}

const ONE_PUT: Requests = Requests { puts: 1, ..NONE };
const ONE_GET: Requests = Requests { gets: 1, ..NONE };
const ONE_COPY: Requests = Requests { copies: 1, ..NONE };
const NONE: Requests =
    Requests { puts: 0, gets: 0, heads: 0, deletes: 0, lists: 0, copies: 0, forgets: 0, bindings: 0 };

/// A store whose worker has been stopped, so that only what the test does is counted.
struct Till {
    world: World,
}

impl Till {
    async fn open(may_lose_answers: bool) -> Self {
        Self::over(Engines::new(may_lose_answers)).await
    }

    async fn over(engines: Engines) -> Self {
        let world = World::over(engines).await;
        world.tasks.stop_workers(Duration::from_secs(1)).await.unwrap();
        Self { world }
    }

    /// Runs `work` and compares what it cost.
    async fn charge<T>(&self, what: &str, expected: Cost, work: impl Future<Output = T>) -> (T, Counts) {
        let engines = &self.world.engines;
        engines.blobs.take_requests();
        let scope = engines.kv.count();
        let output = work.await;
        let counts = scope.counts();
        let Counts { transactions, read_versions, gets, ranges, commits, .. } = counts;
        let long_term = engines.blobs.take_requests();
        assert_eq!(Cost { read_versions, gets, ranges, commits, long_term }, expected, "{what}");
        assert_eq!(transactions, read_versions, "{what}: each transaction reads at one version");
        (output, counts)
    }
}

fn spilling() -> Metadata {
    Metadata { user: vec![("said".into(), "x".repeat(1_000))], ..Metadata::default() }
}

#[tokio::test(start_paused = true)]
async fn writes_of_objects_cost_what_the_table_says() {
    for may_lose_answers in [false, true] {
        let till = Till::open(may_lose_answers).await;
        let world = &till.world;
        let (small, large, empty) = (bytes(SMALL, 1), bytes(LARGE, 1), Bytes::new());
        for (what, before, body, expected) in [
            ("small over nothing", None, &small, cost(1, 1, 0, 1)),
            ("empty over small", Some(&small), &empty, cost(1, 1, 0, 1)),
            ("small over large", Some(&large), &small, cost(1, 1, 0, 1)),
            ("large over nothing", None, &large, cost(2, 3, 0, 2).with(ONE_PUT)),
            ("large over large", Some(&large), &large, cost(2, 3, 0, 2).with(ONE_PUT)),
        ] {
            world.delete("k").await.unwrap();
            if let Some(before) = before {
                world.put("k", before).await.unwrap();
            }
            till.charge(what, expected, world.put("k", body)).await.0.unwrap();
        }
        world.put("source", &small).await.unwrap();
        let copy = world.store.copy_object(world.copy_request("source", "k"));
        till.charge("copy of small", cost(1, 3, 0, 1), copy).await.0.unwrap();
        world.put("source", &large).await.unwrap();
        let copy = world.store.copy_object(world.copy_request("source", "k"));
        till.charge("copy of large", cost(3, 4, 0, 2).with(ONE_COPY), copy).await.0.unwrap();
        let mut onto_itself = world.copy_request("k", "k");
        onto_itself.metadata = MetadataDirective::Replace(spilling());
        let copy = world.store.copy_object(onto_itself);
        till.charge("copy onto itself", cost(1, 1, 0, 1), copy).await.0.unwrap();
        till.charge("delete", cost(1, 1, 0, 1), world.delete("k")).await.0.unwrap();
        till.charge("delete of nothing", cost(1, 1, 0, 0), world.delete("k")).await.0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_put_writes_its_record_its_chunks_and_two_counters() {
    let till = Till::open(false).await;
    for (size, chunks) in [(SMALL, 1), (65_536, 1), (THRESHOLD, 2)] {
        let name = size.to_string();
        let sent = bytes(size, 1);
        let (_, counts) = till.charge("put", cost(1, 1, 0, 1), till.world.put(&name, &sent)).await;
        assert_eq!((counts.mutations, counts.keys), (3 + chunks, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn reads_cost_one_read_version_and_at_most_one_look_at_the_long_term_tier() {
    let till = Till::open(false).await;
    let world = &till.world;
    world.put("small", &bytes(SMALL, 1)).await.unwrap();
    world.put("chunks", &bytes(THRESHOLD, 1)).await.unwrap();
    world.put("large", &bytes(LARGE, 1)).await.unwrap();
    world.put("empty", &Bytes::new()).await.unwrap();
    world.put_parts("parts", &[bytes(PART, 1), bytes(SMALL, 2)]).await;
    let mut request = world.put_request("spilled", &bytes(SMALL, 1));
    request.metadata = spilling();
    world.store.put_object(request).await.unwrap();
    let first = Selection::Range(RangeRequest::From { first: 10, last: Some(20) });
    for (name, selection, get, head) in [
        ("small", Selection::Whole, cost(1, 2, 0, 0), cost(1, 1, 0, 0)),
        ("chunks", Selection::Whole, cost(1, 2, 0, 0), cost(1, 1, 0, 0)),
        ("chunks", first, cost(1, 2, 0, 0), cost(1, 1, 0, 0)),
        ("empty", Selection::Whole, cost(1, 1, 0, 0), cost(1, 1, 0, 0)),
        ("spilled", Selection::Whole, cost(1, 3, 0, 0), cost(1, 2, 0, 0)),
        ("large", Selection::Whole, cost(1, 1, 0, 0).with(ONE_GET), cost(1, 1, 0, 0)),
        ("large", first, cost(1, 1, 0, 0).with(ONE_GET), cost(1, 1, 0, 0)),
        ("parts", first, cost(1, 1, 1, 0).with(ONE_GET), cost(1, 1, 0, 0)),
    ] {
        let read = async { collect(world.read(name, selection).await.unwrap().body).await.unwrap() };
        till.charge(name, get, read).await;
        let request = world.get_request(name, selection);
        till.charge(name, head, world.store.head_object(request)).await.0.unwrap();
    }
    let absent = till.charge("nothing", cost(1, 1, 0, 0), world.read("absent", Selection::Whole)).await.0;
    assert!(absent.is_err());
    // A range touches its own chunks alone.
    let last = Selection::Range(RangeRequest::Suffix(5));
    let read = async { collect(world.read("chunks", last).await.unwrap().body).await.unwrap() };
    let (_, counts) = till.charge("a range", cost(1, 2, 0, 0), read).await;
    assert_eq!(counts.keys, 2);
}

#[tokio::test(start_paused = true)]
async fn listings_of_a_thousand_keys_are_one_range_read() {
    let till = Till::open(false).await;
    let world = &till.world;
    for n in 0..1_000 {
        world.put(&format!("k{n:04}"), &Bytes::new()).await.unwrap();
    }
    let list = |limit| {
        let (prefix, delimiter, after) = (Bytes::new(), Bytes::new(), Bytes::new());
        world.store.list_objects(ListObjects {
            bucket: world.bucket.clone(),
            prefix,
            delimiter,
            after,
            limit,
        })
    };
    let page = till.charge("a page", cost(1, 0, 1, 0), list(1_000)).await.0.unwrap();
    assert_eq!((page.objects.len(), page.next), (1_000, None));
    till.charge("no keys", cost(0, 0, 0, 0), list(0)).await.0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_deletions_are_ten_transactions_and_none_where_nothing_is() {
    let till = Till::open(false).await;
    let world = &till.world;
    let keys: Vec<(ObjectKey, DeleteCondition)> =
        (0..1_000).map(|n| (key(format!("k{n}")), DeleteCondition::default())).collect();
    for (key, _) in &keys {
        let name = std::str::from_utf8(key.as_bytes()).unwrap();
        world.put(name, &Bytes::new()).await.unwrap();
    }
    let delete = || world.store.delete_objects(world.bucket.clone(), keys.clone());
    let deleted = till.charge("1,000 objects", cost(10, 10, 0, 10), delete()).await.0.unwrap();
    assert!(deleted.into_iter().all(|deleted| deleted.outcome.is_ok()));
    till.charge("1,000 absent ones", cost(10, 10, 0, 0), delete()).await.0.unwrap();
}

async fn upload_of(world: &World, count: i32) -> (UploadRef, Vec<(i32, Written)>) {
    let upload = world.open_upload("k").await;
    let mut listed = Vec::new();
    for n in 1..=count {
        let size = if n == count { SMALL } else { PART };
        listed.push((n, world.upload(&upload, n, &bytes(size, 1)).await.unwrap()));
    }
    (upload, listed)
}

#[tokio::test(start_paused = true)]
async fn multipart_uploads_cost_what_the_table_says_however_many_parts_they_have() {
    for may_lose_answers in [false, true] {
        let till = Till::open(may_lose_answers).await;
        let world = &till.world;
        let upload = till.charge("create", cost(1, 0, 0, 1), world.open_upload("k")).await.0;
        let (small, large) = (bytes(SMALL, 1), bytes(LARGE, 1));
        till.charge("small part", cost(1, 1, 0, 1), world.upload(&upload, 1, &small)).await.0.unwrap();
        let part = world.upload(&upload, 1, &large);
        till.charge("large part", cost(2, 3, 0, 2).with(ONE_PUT), part).await.0.unwrap();
        till.charge("abort", cost(1, 1, 0, 1), world.store.abort_upload(upload)).await.0.unwrap();
        for parts in [1, 4] {
            let (upload, listed) = upload_of(world, parts).await;
            let complete = world.store.complete_upload(completion(&upload, &listed));
            till.charge("complete", cost(1, 2, 1, 1), complete).await.0.unwrap();
            let again = world.store.complete_upload(completion(&upload, &listed));
            till.charge("complete again", cost(1, 1, 0, 0), again).await.0.unwrap();
        }
        let (upload, listed) = upload_of(world, 4).await;
        let some = world.store.complete_upload(completion(&upload, &listed[1..]));
        till.charge("complete of some", cost(1, 2, 1, 1), some).await.0.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn digests_cost_no_request_of_their_own() {
    let mut engines = Engines::new(false);
    engines.settings.etag = ETagMode::Md5;
    let till = Till::over(engines).await;
    let world = &till.world;
    let (small, large) = (bytes(SMALL, 1), bytes(LARGE, 1));
    till.charge("small put", cost(1, 1, 0, 1), world.put("small", &small)).await.0.unwrap();
    till.charge("large put", cost(2, 3, 0, 2).with(ONE_PUT), world.put("large", &large)).await.0.unwrap();
    for (source, asked, expected) in [
        ("small", None, cost(1, 3, 0, 1)),
        ("small", Some(Algorithm::Sha256), cost(1, 3, 0, 1)),
        ("large", None, cost(3, 4, 0, 2).with(ONE_COPY)),
        // Its bytes must pass through here.
        ("large", Some(Algorithm::Sha256), cost(3, 4, 0, 2).with(Requests { puts: 1, gets: 1, ..NONE })),
    ] {
        let mut copy = world.copy_request(source, "k");
        copy.checksum = asked;
        let copy = world.store.copy_object(copy);
        till.charge(&format!("copy of {source}, {asked:?}"), expected, copy).await.0.unwrap();
    }
    let checksum = Some(ChecksumChoice { algorithm: Algorithm::Crc32, kind: ChecksumType::FullObject });
    let request =
        CreateUpload { bucket: world.bucket.clone(), key: key("k"), metadata: Metadata::default(), checksum };
    let upload = till.charge("create", cost(1, 0, 0, 1), world.store.create_upload(request)).await.0.unwrap();
    let upload = UploadRef { bucket: world.bucket.clone(), key: key("k"), upload };
    let part = world.upload(&upload, 1, &small);
    let mut listed = vec![(1, till.charge("small part", cost(1, 1, 0, 1), part).await.0.unwrap())];
    // The upload is read beside the record of the source, in its transaction.
    for (n, source, expected) in [
        (1, "large", cost(3, 5, 0, 2).with(Requests { puts: 1, gets: 1, ..NONE })),
        (2, "small", cost(2, 4, 0, 1)),
    ] {
        let copy = CopyPart {
            upload: upload.clone(),
            number: number(n),
            source: world.copy_request(source, "k").source,
            range: None,
        };
        let copied = till.charge("copy of a part", expected, world.store.copy_part(copy)).await.0.unwrap();
        listed.push((n, copied));
    }
    listed.remove(1);
    let (_, first) = listed.remove(0);
    assert_eq!(first.size, SMALL as u64);
    let complete = world.store.complete_upload(completion(&upload, &listed));
    let done = till.charge("complete", cost(1, 2, 1, 1), complete).await.0.unwrap();
    assert!(done.checksum.is_some() && done.etag.bare().to_string().ends_with("-1"));
}

#[tokio::test(start_paused = true)]
async fn buckets_are_looked_up_in_memory_and_changed_in_one_transaction() {
    let till = Till::open(false).await;
    let world = &till.world;
    let nothing = || cost(0, 0, 0, 0);
    till.charge("head", nothing(), world.store.head_bucket(&world.bucket)).await.0.unwrap();
    till.charge("list", nothing(), world.store.list_buckets()).await.0.unwrap();
    till.charge("create", cost(1, 1, 0, 1), world.store.create_bucket(bucket("new"), "owner"))
        .await
        .0
        .unwrap();
    till.charge("usage", cost(1, 1, 0, 0), world.store.bucket_usage(&bucket("new"))).await.0.unwrap();
    till.charge("delete", cost(1, 1, 1, 1), world.store.delete_bucket(&bucket("new"))).await.0.unwrap();
    let mut request = world.put_request("k", &bytes(LARGE, 1));
    request.bucket = bucket("new");
    let refused = till.charge("put into no bucket", nothing(), world.store.put_object(request)).await.0;
    assert!(refused.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_store_at_rest_asks_for_nothing_but_the_rounds_of_the_sweeper() {
    let mut engines = Engines::new(false);
    engines.settings.sweep_age = Duration::from_secs(30 * 24 * 3_600);
    let world = World::over(engines).await;
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    world.put("k", &bytes(LARGE, 2)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.engines.blobs.count(), 1);
    world.engines.blobs.take_requests();
    let scope = world.engines.kv.count();
    tokio::time::sleep(Duration::from_secs(48 * 3_600)).await;
    assert_eq!(scope.counts(), Counts::default());
    assert_eq!(world.engines.blobs.take_requests(), NONE);
    tokio::time::sleep(Duration::from_secs(30 * 24 * 3_600)).await;
    assert!(world.engines.blobs.take_requests() != NONE, "a round has begun");
    assert_eq!(scope.counts().commits, 0, "a sweep that finds nothing writes nothing");
}
