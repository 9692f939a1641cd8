//! The cost contract (data model, section 2): what each S3 operation asks of the two tiers, as one table.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use terrace_high_volume::counts::Counts;
use terrace_long_term::counts::Requests;
use terrace_runtime::Clock;
use terrace_store::name::{BucketName, ObjectKey};
use terrace_store::object::{
    Algorithm, ChecksumChoice, ChecksumType, DeleteCondition, ETagList, ETagMode, Metadata, RangeRequest,
};
use terrace_store::ops::multipart::{CopyPart, CreateUpload, ListUploads, UploadRef};
use terrace_store::ops::object::{ListObjects, MetadataDirective, Selection, Written};
use world::{Engines, THRESHOLD, World, body, bucket, bytes, collect, completion, key, number};

/// Reads: read versions, round trips of point reads and their keys, range reads and their rows. Trips: how many of all these follow one upon
/// the other, commits included. Writes: commits, and mutations in them on an engine that never loses an answer (one that may has a witness
/// more in each). `#`: why a figure is above the data model's.
const TABLE: &str = "
# operation                                  | versions | points keys | ranges rows | trips | commits mutations | long-term
PutObject of nothing                       |  1 |  1     1 |   0     0 |   3 |  1     2 |
PutObject, 1 kB                            |  1 |  1     1 |   0     0 |   3 |  1     4 |
PutObject, 1 kB over 100 kB                |  1 |  1     1 |   0     0 |   3 |  1     5 |
PutObject, 1 kB over large                 |  1 |  1     1 |   0     0 |   3 |  1     4 |
PutObject, 100 kB                          |  1 |  1     1 |   0     0 |   3 |  1     5 |
PutObject, large                           |  2 |  3     3 |   0     0 |   6 |  2     5 | 1 put  # 3 trips for the ticket, beside the bytes, and 3 behind both
PutObject, large over large                |  2 |  3     3 |   0     0 |   6 |  2     4 | 1 put  # 3 trips for the ticket, beside the bytes, and 3 behind both
PutObject, 1 kB of metadata                |  1 |  1     1 |   0     0 |   3 |  1     5 |
PutObject, refused If-None-Match           |  1 |  1     1 |   0     0 |   2 |  0     0 |
CopyObject, 1 kB                           |  1 |  3     3 |   0     0 |   4 |  1     4 |
CopyObject, 100 kB                         |  1 |  3     4 |   0     0 |   4 |  1     5 |
CopyObject, large                          |  3 |  5     5 |   0     0 |   8 |  2     6 | 1 copy  # the ticket waits until it is known that the source is large
CopyObject, large, with a new checksum     |  3 |  5     5 |   0     0 |   8 |  2     4 | 1 put 1 get
CopyObject, of 2 large parts               |  3 |  5     5 |   1     1 |   9 |  2     5 | 1 put 2 get
CopyObject onto itself                     |  1 |  1     1 |   0     0 |   3 |  1     1 |
GetObject, empty                           |  1 |  1     1 |   0     0 |   2 |  0     0 |
GetObject, 1 kB                            |  1 |  2     2 |   0     0 |   3 |  0     0 |
GetObject, 100 kB                          |  1 |  2     3 |   0     0 |   3 |  0     0 |
GetObject, large                           |  1 |  1     1 |   0     0 |   2 |  0     0 | 1 get
GetObject, of parts                        |  2 |  2     2 |   1     1 |   5 |  0     0 | 2 get  # an inline part is read when it is its turn; only the last can be one (5 MiB)
GetObject, 1 kB of metadata                |  1 |  3     3 |   0     0 |   3 |  0     0 |
GetObject, 11 bytes of 100 kB              |  1 |  2     2 |   0     0 |   3 |  0     0 |
GetObject, 11 bytes of large               |  1 |  1     1 |   0     0 |   2 |  0     0 | 1 get
GetObject, 11 bytes of of parts            |  1 |  1     1 |   1     1 |   3 |  0     0 | 1 get
GetObject, part 2                          |  2 |  3     3 |   1     1 |   6 |  0     0 |  # as above
GetObject, of none                         |  1 |  1     1 |   0     0 |   2 |  0     0 |
HeadObject, 1 kB                           |  1 |  1     1 |   0     0 |   2 |  0     0 |
HeadObject, large                          |  1 |  1     1 |   0     0 |   2 |  0     0 |
HeadObject, 1 kB of metadata               |  1 |  2     2 |   0     0 |   3 |  0     0 |
HeadObject, of none                        |  1 |  1     1 |   0     0 |   2 |  0     0 |
GetObjectAttributes, large                 |  1 |  1     1 |   0     0 |   2 |  0     0 |
GetObjectAttributes, of parts              |  1 |  2     2 |   0     0 |   3 |  0     0 |
DeleteObject, 100 kB                       |  1 |  1     1 |   0     0 |   3 |  1     5 |
DeleteObject, large                        |  1 |  1     1 |   0     0 |   3 |  1     4 |
DeleteObject, of none                      |  1 |  1     1 |   0     0 |   2 |  0     0 |
DeleteObjects, 1,000                       | 10 | 10  1000 |   0     0 |   3 | 10  2000 |
DeleteObjects, 1,000 of none               | 10 | 10  1000 |   0     0 |   2 |  0     0 |
ListObjects, 1,000 keys                    |  1 |  0     0 |   1  1000 |   2 |  0     0 |
ListObjects, 10 folders of 100             |  1 |  0     0 |  11    27 |  12 |  0     0 |  # one seek a folder, and one for the end
ListObjects, 1,000 keys not folded         |  1 |  0     0 |   4  1000 |   5 |  0     0 |  # a listing that folds begins with small windows
ListObjects, max-keys=0                    |  0 |  0     0 |   0     0 |   0 |  0     0 |
CreateMultipartUpload                      |  1 |  0     0 |   0     0 |   2 |  1     1 |
UploadPart, 1 kB                           |  1 |  1     2 |   0     0 |   3 |  1     3 |
UploadPart, large over 1 kB                |  2 |  3     4 |   0     0 |   6 |  2     5 | 1 put
UploadPart, large over large               |  2 |  3     4 |   0     0 |   6 |  2     5 | 1 put
UploadPartCopy, 1 kB                       |  2 |  4     5 |   0     0 |   6 |  1     3 |  # a read of the source, then an UploadPart: the source is streamed, so it cannot be one transaction
UploadPartCopy, large                      |  3 |  5     6 |   0     0 |   8 |  2     5 | 1 put 1 get
UploadPartCopy, of parts                   |  4 |  6     7 |   1     1 |   9 |  2     5 | 1 put 2 get
ListParts                                  |  1 |  1     1 |   1     2 |   2 |  0     0 |
ListMultipartUploads                       |  1 |  0     0 |   1     1 |   2 |  0     0 |
AbortMultipartUpload                       |  1 |  1     1 |   0     0 |   3 |  1     4 |
CompleteMultipartUpload, 1 parts           |  1 |  2     3 |   1     1 |   3 |  1     9 |
CompleteMultipartUpload, again             |  1 |  2     3 |   1     0 |   2 |  0     0 |
CompleteMultipartUpload, 4 parts           |  1 |  2     3 |   1     4 |   3 |  1     9 |
CompleteMultipartUpload, again             |  1 |  2     3 |   1     0 |   2 |  0     0 |
CompleteMultipartUpload, 1500 parts        |  1 |  2     3 |   2  1500 |   4 |  1    10 |  # 1,000 parts a page
CompleteMultipartUpload, again             |  1 |  2     3 |   1     0 |   2 |  0     0 |
GetObjectAttributes, 1,000 of 1,500 parts  |  1 |  2     3 |   0     0 |   3 |  0     0 |
GetObject, 10 bytes of 2 of 1,500 parts    |  3 |  3     3 |   1     2 |   7 |  0     0 |  # as above: the parts of this test are not as large as S3 asks for
DeleteObject, 1,500 parts                  |  1 |  1     1 |   0     0 |   3 |  1     4 |
CompleteMultipartUpload, 1 of 2 parts      |  1 |  2     3 |   1     2 |   3 |  1    10 |
CreateBucket                               |  1 |  1     2 |   0     0 |   3 |  1     3 |
CreateBucket, again                        |  2 |  2     3 |   0     0 |   4 |  0     0 |  # who is refused looks at the row again, for the map in memory
HeadBucket                                 |  0 |  0     0 |   0     0 |   0 |  0     0 |
ListBuckets                                |  0 |  0     0 |   0     0 |   0 |  0     0 |
DeleteBucket, not empty                    |  2 |  2     2 |   1     1 |   5 |  0     0 |  # as above
DeleteBucket                               |  1 |  1     1 |   1     0 |   4 |  1     5 |  # the id of the range to look at comes from the row: the map in memory is not asked while it changes
PutObject, no such bucket                  |  0 |  0     0 |   0     0 |   0 |  0     0 |
";

const SMALL: usize = 1_000;
const LARGE: usize = THRESHOLD + 30_000;
const NONE: Requests =
    Requests { puts: 0, gets: 0, heads: 0, deletes: 0, lists: 0, copies: 0, forgets: 0, bindings: 0 };

/// A store whose worker has been stopped, so that only what the test does is counted.
struct Till {
    world: World,
    receipt: Mutex<String>,
}

impl Till {
    async fn over(engines: Engines) -> Self {
        let world = World::over(engines).await;
        world.tasks.stop_workers(Duration::from_secs(1)).await.unwrap();
        world.engines.kv.trip(1);
        Self { world, receipt: Mutex::default() }
    }

    /// Runs `work` and writes down what it cost.
    async fn charge<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let engines = &self.world.engines;
        engines.blobs.take_requests();
        let (scope, started) = (engines.kv.count(), engines.clock.monotonic());
        let output = work.await;
        let trips = (engines.clock.monotonic() - started).as_millis();
        let Counts { transactions, read_versions, gets, keys, ranges, rows, commits, mutations } =
            scope.counts();
        assert_eq!(transactions, read_versions, "{what}: each transaction reads at one version");
        let mutations = if engines.kv.may_lose_answers() { "_".to_owned() } else { mutations.to_string() };
        let long_term = told(engines.blobs.take_requests());
        writeln!(
            self.receipt.lock(),
            "{what:42} | {read_versions:2} | {gets:2} {keys:5} | {ranges:3} {rows:5} | {trips:3} | {commits:2} {mutations:>5} | {long_term}"
        )
        .unwrap();
        output
    }
}

fn told(requests: Requests) -> String {
    let Requests { puts, gets, heads, deletes, lists, copies, forgets, bindings } = requests;
    assert_eq!(heads + deletes + lists + forgets + bindings, 0);
    let told = [(puts, "put"), (gets, "get"), (copies, "copy")].map(|(count, name)| match count {
        0 => String::new(),
        count => format!("{count} {name} "),
    });
    told.concat().trim_end().to_owned()
}

/// The lines of a table without its remarks; on an engine that may lose answers without the number of mutations.
fn lines(table: &str, may_lose_answers: bool) -> Vec<String> {
    let lines = table.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(|line| if may_lose_answers { without_mutations(line) } else { line.to_owned() }).collect()
}

fn without_mutations(line: &str) -> String {
    let mut columns: Vec<String> = line.split('|').map(str::to_owned).collect();
    let commits = columns[5].trim().split(' ').next().unwrap().to_owned();
    columns[5] = format!(" {commits:>2} {:>5} ", "_");
    columns.join("|")
}

#[tokio::test(start_paused = true)]
async fn each_operation_costs_what_the_table_says() {
    for may_lose_answers in [false, true] {
        let mut engines = Engines::new(may_lose_answers);
        engines.settings.smallest_part = 1;
        let till = Till::over(engines).await;
        puts(&till).await;
        copies(&till).await;
        reads(&till).await;
        deletions(&till).await;
        listings(&till).await;
        uploads(&till).await;
        completions(&till).await;
        buckets(&till).await;
        let receipt = till.receipt.into_inner();
        let (measured, table) = (lines(&receipt, may_lose_answers), lines(TABLE, may_lose_answers));
        for (measured, line) in measured.iter().zip(&table) {
            assert_eq!(measured, line, "all that was measured:\n{receipt}");
        }
        assert_eq!(measured.len(), table.len(), "all that was measured:\n{receipt}");
    }
}

fn spilling() -> Metadata {
    Metadata { user: vec![("said".into(), "x".repeat(1_000))], ..Metadata::default() }
}

async fn puts(till: &Till) {
    let world = &till.world;
    let (small, chunks, large) = (bytes(SMALL, 1), bytes(THRESHOLD, 1), bytes(LARGE, 1));
    for (what, before, body) in [
        ("PutObject of nothing", None, &Bytes::new()),
        ("PutObject, 1 kB", None, &small),
        ("PutObject, 1 kB over 100 kB", Some(&chunks), &small),
        ("PutObject, 1 kB over large", Some(&large), &small),
        ("PutObject, 100 kB", None, &chunks),
        ("PutObject, large", None, &large),
        ("PutObject, large over large", Some(&large), &large),
    ] {
        world.delete("k").await.unwrap();
        if let Some(before) = before {
            world.put("k", before).await.unwrap();
        }
        till.charge(what, world.put("k", body)).await.unwrap();
    }
    let mut request = world.put_request("k", &small);
    request.metadata = spilling();
    till.charge("PutObject, 1 kB of metadata", world.store.put_object(request)).await.unwrap();
    let mut request = world.put_request("k", &small);
    request.condition.if_none_match = Some(ETagList::Any);
    assert!(till.charge("PutObject, refused If-None-Match", world.store.put_object(request)).await.is_err());
}

async fn copies(till: &Till) {
    let world = &till.world;
    for (what, size) in
        [("CopyObject, 1 kB", SMALL), ("CopyObject, 100 kB", THRESHOLD), ("CopyObject, large", LARGE)]
    {
        world.put("source", &bytes(size, 1)).await.unwrap();
        let copy = world.store.copy_object(world.copy_request("source", "copy"));
        till.charge(what, copy).await.unwrap();
    }
    let mut summed = world.copy_request("source", "copy");
    summed.checksum = Some(Algorithm::Sha256);
    till.charge("CopyObject, large, with a new checksum", world.store.copy_object(summed)).await.unwrap();
    world.put_parts("source", &[bytes(LARGE, 1), bytes(LARGE, 2)]).await;
    let copy = world.store.copy_object(world.copy_request("source", "copy"));
    till.charge("CopyObject, of 2 large parts", copy).await.unwrap();
    let mut onto_itself = world.copy_request("copy", "copy");
    onto_itself.metadata = MetadataDirective::Replace(Metadata::default());
    till.charge("CopyObject onto itself", world.store.copy_object(onto_itself)).await.unwrap();
}

async fn reads(till: &Till) {
    let world = &till.world;
    world.put("empty", &Bytes::new()).await.unwrap();
    world.put("1 kB", &bytes(SMALL, 1)).await.unwrap();
    world.put("100 kB", &bytes(THRESHOLD, 1)).await.unwrap();
    world.put("large", &bytes(LARGE, 1)).await.unwrap();
    world.put_parts("of parts", &[bytes(LARGE, 1), bytes(SMALL, 2), bytes(LARGE, 3)]).await;
    let mut request = world.put_request("1 kB of metadata", &bytes(SMALL, 1));
    request.metadata = spilling();
    world.store.put_object(request).await.unwrap();
    let range = Selection::Range(RangeRequest::From { first: 10, last: Some(20) });
    let read = |name, selection| async move {
        collect(world.read(name, selection).await.unwrap().body).await.unwrap()
    };
    for name in ["empty", "1 kB", "100 kB", "large", "of parts", "1 kB of metadata"] {
        till.charge(&format!("GetObject, {name}"), read(name, Selection::Whole)).await;
    }
    for name in ["100 kB", "large", "of parts"] {
        till.charge(&format!("GetObject, 11 bytes of {name}"), read(name, range)).await;
    }
    let part = Selection::Part(number(2));
    till.charge("GetObject, part 2", read("of parts", part)).await;
    assert!(till.charge("GetObject, of none", world.read("absent", Selection::Whole)).await.is_err());
    for name in ["1 kB", "large", "1 kB of metadata"] {
        let request = world.get_request(name, Selection::Whole);
        till.charge(&format!("HeadObject, {name}"), world.store.head_object(request)).await.unwrap();
    }
    let request = world.get_request("absent", Selection::Whole);
    assert!(till.charge("HeadObject, of none", world.store.head_object(request)).await.is_err());
    for name in ["large", "of parts"] {
        let key = key(name);
        let attributes = world.store.object_attributes(&world.bucket, &key, 0, 1_000);
        till.charge(&format!("GetObjectAttributes, {name}"), attributes).await.unwrap();
    }
}

async fn deletions(till: &Till) {
    let world = &till.world;
    world.put("k", &bytes(THRESHOLD, 1)).await.unwrap();
    till.charge("DeleteObject, 100 kB", world.delete("k")).await.unwrap();
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    till.charge("DeleteObject, large", world.delete("k")).await.unwrap();
    till.charge("DeleteObject, of none", world.delete("k")).await.unwrap();
    let keys: Vec<(ObjectKey, DeleteCondition)> =
        (0..1_000).map(|n| (key(format!("k{n:04}")), DeleteCondition::default())).collect();
    world.engines.kv.trip(0);
    for n in 0..1_000 {
        world.put(&format!("k{n:04}"), &Bytes::new()).await.unwrap();
    }
    world.engines.kv.trip(1);
    let delete = || world.store.delete_objects(world.bucket.clone(), keys.clone());
    let deleted = till.charge("DeleteObjects, 1,000", delete()).await.unwrap();
    assert!(deleted.into_iter().all(|deleted| deleted.outcome.is_ok()));
    till.charge("DeleteObjects, 1,000 of none", delete()).await.unwrap();
}

fn list(world: &World, delimiter: &'static str, limit: usize) -> ListObjects {
    let (prefix, delimiter, after) =
        (Bytes::from_static(b"l0"), Bytes::from_static(delimiter.as_bytes()), Bytes::new());
    ListObjects { bucket: world.bucket.clone(), prefix, delimiter, after, limit }
}

async fn listings(till: &Till) {
    let world = &till.world;
    world.engines.kv.trip(0);
    for n in 0..1_000 {
        world.put(&format!("l{:02}/{n:04}", n / 100), &Bytes::new()).await.unwrap();
    }
    world.engines.kv.trip(1);
    let store = &world.store;
    let page =
        till.charge("ListObjects, 1,000 keys", store.list_objects(list(world, "", 1_000))).await.unwrap();
    assert_eq!((page.objects.len(), page.next), (1_000, None));
    let page = till
        .charge("ListObjects, 10 folders of 100", store.list_objects(list(world, "/", 1_000)))
        .await
        .unwrap();
    assert_eq!((page.prefixes.len(), page.next), (10, None));
    let page =
        till.charge("ListObjects, 1,000 keys not folded", store.list_objects(list(world, "#", 1_000))).await;
    assert_eq!(page.unwrap().objects.len(), 1_000);
    till.charge("ListObjects, max-keys=0", store.list_objects(list(world, "", 0))).await.unwrap();
}

async fn uploads(till: &Till) {
    let world = &till.world;
    let upload = till.charge("CreateMultipartUpload", world.open_upload("k")).await;
    let (small, large) = (bytes(SMALL, 1), bytes(LARGE, 1));
    till.charge("UploadPart, 1 kB", world.upload(&upload, 1, &small)).await.unwrap();
    till.charge("UploadPart, large over 1 kB", world.upload(&upload, 1, &large)).await.unwrap();
    till.charge("UploadPart, large over large", world.upload(&upload, 1, &large)).await.unwrap();
    for (what, source) in [
        ("UploadPartCopy, 1 kB", "1 kB"),
        ("UploadPartCopy, large", "large"),
        ("UploadPartCopy, of parts", "of parts"),
    ] {
        let source = world.copy_request(source, "k").source;
        let copy = CopyPart { upload: upload.clone(), number: number(2), source, range: None };
        till.charge(what, world.store.copy_part(copy)).await.unwrap();
    }
    till.charge("ListParts", world.store.list_parts(&upload, 0, 1_000)).await.unwrap();
    let list = ListUploads {
        bucket: world.bucket.clone(),
        prefix: Bytes::new(),
        delimiter: Bytes::new(),
        key_marker: Bytes::new(),
        upload_marker: None,
        limit: 1_000,
    };
    till.charge("ListMultipartUploads", world.store.list_uploads(list)).await.unwrap();
    till.charge("AbortMultipartUpload", world.store.abort_upload(upload)).await.unwrap();
}

async fn completions(till: &Till) {
    let world = &till.world;
    for (parts, size) in [(1, LARGE), (4, LARGE), (1_500, 10)] {
        let upload = world.open_upload("of many").await;
        world.engines.kv.trip(0);
        let mut listed: Vec<(i32, Written)> = Vec::new();
        for n in 1..=parts {
            listed.push((n, world.upload(&upload, n, &bytes(size, 1)).await.unwrap()));
        }
        world.engines.kv.trip(1);
        let complete = world.store.complete_upload(completion(&upload, &listed));
        till.charge(&format!("CompleteMultipartUpload, {parts} parts"), complete).await.unwrap();
        let again = world.store.complete_upload(completion(&upload, &listed));
        till.charge("CompleteMultipartUpload, again", again).await.unwrap();
    }
    let name = key("of many");
    let attributes = world.store.object_attributes(&world.bucket, &name, 500, 1_000);
    till.charge("GetObjectAttributes, 1,000 of 1,500 parts", attributes).await.unwrap();
    let range = Selection::Range(RangeRequest::From { first: 9_995, last: Some(10_004) });
    let read = async { collect(world.read("of many", range).await.unwrap().body).await.unwrap() };
    till.charge("GetObject, 10 bytes of 2 of 1,500 parts", read).await;
    till.charge("DeleteObject, 1,500 parts", world.delete("of many")).await.unwrap();
    let upload = world.open_upload("of many").await;
    let mut listed = Vec::new();
    for n in 1..=2 {
        listed.push((n, world.upload(&upload, n, &bytes(LARGE, 1)).await.unwrap()));
    }
    let some = world.store.complete_upload(completion(&upload, &listed[1..]));
    till.charge("CompleteMultipartUpload, 1 of 2 parts", some).await.unwrap();
}

async fn buckets(till: &Till) {
    let (world, name) = (&till.world, bucket("new"));
    till.charge("CreateBucket", world.store.create_bucket(name.clone(), "owner")).await.unwrap();
    assert!(
        till.charge("CreateBucket, again", world.store.create_bucket(name.clone(), "owner")).await.is_err()
    );
    till.charge("HeadBucket", world.store.head_bucket(&name)).await.unwrap();
    till.charge("ListBuckets", world.store.list_buckets()).await.unwrap();
    let full: &BucketName = &world.bucket;
    assert!(till.charge("DeleteBucket, not empty", world.store.delete_bucket(full)).await.is_err());
    till.charge("DeleteBucket", world.store.delete_bucket(&name)).await.unwrap();
    let mut request = world.put_request("k", &Bytes::new());
    (request.bucket, request.body) = (name, body(&bytes(LARGE, 1)));
    assert!(till.charge("PutObject, no such bucket", world.store.put_object(request)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn digests_cost_no_request_of_their_own() {
    let mut receipts = Vec::new();
    for etag in [ETagMode::Revision, ETagMode::Md5] {
        let mut engines = Engines::new(false);
        (engines.settings.etag, engines.settings.smallest_part) = (etag, 1);
        let till = Till::over(engines).await;
        let world = &till.world;
        let checksum = (etag == ETagMode::Md5)
            .then_some(ChecksumChoice { algorithm: Algorithm::Crc32, kind: ChecksumType::FullObject });
        for (name, size) in [("small", SMALL), ("large", LARGE)] {
            till.charge(name, world.put(name, &bytes(size, 1))).await.unwrap();
            till.charge("copy", world.store.copy_object(world.copy_request(name, "k"))).await.unwrap();
        }
        let metadata = Metadata::default();
        let request = CreateUpload { bucket: world.bucket.clone(), key: key("k"), metadata, checksum };
        let upload = till.charge("create", world.store.create_upload(request)).await.unwrap();
        let upload = UploadRef { bucket: world.bucket.clone(), key: key("k"), upload };
        let mut listed = Vec::new();
        for (n, source) in [(1, "large"), (2, "small")] {
            let source = world.copy_request(source, "k").source;
            let copy = CopyPart { upload: upload.clone(), number: number(n), source, range: None };
            listed.push((n, till.charge("part", world.store.copy_part(copy)).await.unwrap()));
        }
        let complete = world.store.complete_upload(completion(&upload, &listed));
        let done = till.charge("complete", complete).await.unwrap();
        assert_eq!(done.checksum.is_some(), checksum.is_some());
        receipts.push(till.receipt.into_inner());
    }
    assert_eq!(receipts[0], receipts[1]);
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
