//! Laws of the listings, over the memory tiers.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use prometheus::Registry;
use terrace_high_volume::memory::MemoryKv;
use terrace_long_term::MemoryBlobs;
use terrace_long_term::layers::measure::TierMetrics;
use terrace_runtime::{ManualClock, SeededIds, Tasks};
use terrace_store::name::{BucketName, ObjectKey, PartNumber, UploadId};
use terrace_store::object::{
    Algorithm, Checksum, ChecksumChoice, ChecksumSlot, ChecksumType, Metadata, WriteCondition,
};
use terrace_store::ops::multipart::{
    CompleteUpload, CompletedPart, CreateUpload, Given, ListUploads, UploadPart, UploadRef,
};
use terrace_store::ops::object::{Body, ListObjects, Listing, PutObject, Written};
use terrace_store::{Boundless, Error, Fences, Parts, Refusal, Settings, Store};

struct Fixture {
    store: Store,
    bucket: BucketName,
}

/// What the uploads are to have; their parts need none.
const CHOICE: ChecksumChoice = ChecksumChoice { algorithm: Algorithm::Crc32, kind: ChecksumType::FullObject };

fn body(bytes: Bytes, checksum: Option<Checksum>) -> Body {
    let slot = ChecksumSlot::default();
    checksum.into_iter().for_each(|checksum| slot.set(checksum).unwrap());
    let length = Some(bytes.len() as u64);
    Body { stream: Box::pin(stream::iter([Ok(bytes)])), length, checksum: slot, md5: None }
}

impl Fixture {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1_790_000_000_000));
        let parts = Parts {
            kv: MemoryKv::new(clock.clone()),
            blobs: Arc::new(MemoryBlobs::new()),
            ids: Arc::new(SeededIds::new(7, clock.clone())),
            clock,
            tasks: Tasks::new(),
            space: Arc::new(Boundless),
            fences: Fences::default(),
            tiers: TierMetrics::register(&Registry::new()).unwrap(),
            settings: Settings::default(),
        };
        let store = Store::open(parts, &Registry::new()).await.unwrap();
        let bucket = BucketName::new("listed").unwrap();
        store.create_bucket(bucket.clone(), "owner").await.unwrap();
        Self { store, bucket }
    }

    async fn put(&self, key: &str, bytes: &'static [u8]) -> Written {
        let checksum = Checksum { algorithm: Algorithm::Crc32, value: Bytes::from_static(&[1, 2, 3, 4]) };
        let request = PutObject {
            bucket: self.bucket.clone(),
            key: ObjectKey::new(key.to_owned()).unwrap(),
            metadata: Metadata::default(),
            condition: WriteCondition::default(),
            body: body(Bytes::from_static(bytes), Some(checksum)),
        };
        self.store.put_object(request).await.unwrap()
    }

    fn objects(&self, prefix: &'static str, delimiter: &'static str, limit: usize) -> ListObjects {
        ListObjects {
            bucket: self.bucket.clone(),
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            after: Bytes::new(),
            limit,
        }
    }

    async fn open(&self, key: &'static str) -> UploadRef {
        let key = ObjectKey::new(key).unwrap();
        let request = CreateUpload {
            bucket: self.bucket.clone(),
            key: key.clone(),
            metadata: Metadata::default(),
            checksum: Some(CHOICE),
        };
        let upload = self.store.create_upload(request).await.unwrap();
        UploadRef { bucket: self.bucket.clone(), key, upload }
    }

    async fn part(&self, upload: &UploadRef, number: i32, bytes: Bytes) -> Written {
        let number = PartNumber::new(number).unwrap();
        let request = UploadPart { upload: upload.clone(), number, body: body(bytes, None) };
        self.store.upload_part(request).await.unwrap()
    }

    fn uploads(&self, limit: usize) -> ListUploads {
        ListUploads {
            bucket: self.bucket.clone(),
            prefix: Bytes::new(),
            delimiter: Bytes::new(),
            key_marker: Bytes::new(),
            upload_marker: None,
            limit,
        }
    }
}

fn keys(listing: &Listing) -> Vec<&str> {
    listing.objects.iter().map(|object| std::str::from_utf8(&object.key).unwrap()).collect()
}

#[tokio::test]
async fn a_listing_shows_what_put_answered() {
    let fixture = Fixture::new().await;
    let written = fixture.put("a", b"four").await;
    let listing = fixture.store.list_objects(fixture.objects("", "", 1_000)).await.unwrap();
    let [object] = listing.objects.as_slice() else { panic!("{listing:?}") };
    assert_eq!((object.etag, object.size, object.modified_ms), (written.etag, 4, written.modified_ms));
    assert_eq!(object.checksum, written.checksum);
    assert!(object.checksum.is_some() && listing.next.is_none());
}

#[tokio::test]
async fn pages_follow_one_another_by_their_next() {
    let fixture = Fixture::new().await;
    stream::iter(["a", "b/1", "b/2", "c", "d/1", "e"])
        .for_each(async |key| drop(fixture.put(key, b"x").await))
        .await;
    let mut request = fixture.objects("", "/", 2);
    let mut seen = Vec::new();
    loop {
        let page = fixture.store.list_objects(request.clone()).await.unwrap();
        seen.push((
            keys(&page).join(" "),
            page.prefixes.iter().map(|p| p.escape_ascii().to_string()).collect::<Vec<_>>(),
        ));
        let Some(next) = page.next else { break };
        request.after = next;
    }
    let page =
        |keys: &str, prefixes: &[&str]| (keys.to_owned(), prefixes.iter().map(ToString::to_string).collect());
    assert_eq!(seen, [page("a", &["b/"]), page("c", &["d/"]), page("e", &[])]);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_has_no_listing_of_any_size() {
    let fixture = Fixture::new().await;
    for limit in [0, 10] {
        let bucket = BucketName::new("missing").unwrap();
        let outcome =
            fixture.store.list_objects(ListObjects { bucket, ..fixture.objects("", "", limit) }).await;
        assert!(matches!(outcome, Err(Error::Refused(Refusal::NoSuchBucket))), "{outcome:?}");
    }
}

#[tokio::test]
async fn uploads_are_listed_by_key_then_age_and_pages_follow_one_another() {
    let fixture = Fixture::new().await;
    let mut opened = Vec::new();
    for key in ["b", "a", "b", "b"] {
        let upload = fixture.open(key).await;
        opened.push((upload.key.as_bytes().clone(), upload.upload));
    }
    opened.sort();
    let mut request = fixture.uploads(2);
    let mut seen = Vec::new();
    loop {
        let page = fixture.store.list_uploads(request.clone()).await.unwrap();
        assert!(page.uploads.iter().all(|upload| upload.checksum == Some(CHOICE)));
        seen.extend(page.uploads.into_iter().map(|upload| (upload.key, upload.upload)));
        let Some((key, upload)) = page.next else { break };
        request = ListUploads { key_marker: key, upload_marker: upload, ..request };
    }
    assert_eq!(seen, opened);
}

#[tokio::test]
async fn parts_are_listed_behind_a_number_and_only_of_open_uploads() {
    let fixture = Fixture::new().await;
    let upload = fixture.open("k").await;
    for number in [1, 7, 300, 10_000] {
        fixture.part(&upload, number, Bytes::from_static(b"part")).await;
    }
    let numbers = async |after, limit| {
        let page = fixture.store.list_parts(&upload, after, limit).await.unwrap();
        (page.parts.iter().map(|part| part.number.get()).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(numbers(0, 1_000).await, (vec![1, 7, 300, 10_000], false));
    assert_eq!(numbers(1, 2).await, (vec![7, 300], true));
    assert_eq!(numbers(300, 1).await, (vec![10_000], false));
    assert_eq!(numbers(10_000, 1).await, (vec![], false));
    assert_eq!(numbers(0, 0).await, (vec![], false));
    let other = UploadRef { upload: UploadId::parse(&"0".repeat(32)).unwrap(), ..upload.clone() };
    let outcome = fixture.store.list_parts(&other, 0, 10).await;
    assert!(matches!(outcome, Err(Error::Refused(Refusal::NoSuchUpload))), "{outcome:?}");
}

#[tokio::test]
async fn attributes_show_the_parts_of_a_multipart_object_page_by_page() {
    let fixture = Fixture::new().await;
    let upload = fixture.open("big").await;
    let mut parts = Vec::new();
    for (number, size) in [(3, 5 << 20), (5, 6 << 20), (9, 10)] {
        let written = fixture.part(&upload, number, vec![7; size].into()).await;
        let number = PartNumber::new(number).unwrap();
        parts.push(CompletedPart { number, etag: written.etag.to_string(), checksum: None });
    }
    let key = upload.key.clone();
    let condition = WriteCondition::default();
    let request = CompleteUpload { upload, parts, condition, size: None, whole: Given::default() };
    fixture.store.complete_upload(request).await.unwrap();
    let look = async |after, limit| {
        let found = fixture.store.object_attributes(&fixture.bucket, &key, after, limit).await.unwrap();
        assert_eq!(found.parts_count, Some(3));
        (found.parts.iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(), found.more)
    };
    assert_eq!(look(0, 1_000).await, (vec![(1, 5 << 20), (2, 6 << 20), (3, 10)], false));
    assert_eq!(look(1, 1).await, (vec![(2, 6 << 20)], true));
    assert_eq!(look(3, 10).await, (vec![], false));
    assert_eq!(look(9, 10).await, (vec![], false));
    assert_eq!(look(0, 0).await, (vec![], false));
}

#[tokio::test]
async fn attributes_of_an_object_of_one_piece_show_no_parts() {
    let fixture = Fixture::new().await;
    let written = fixture.put("one", b"piece").await;
    let key = ObjectKey::new("one").unwrap();
    let found = fixture.store.object_attributes(&fixture.bucket, &key, 0, 1_000).await.unwrap();
    assert_eq!((found.info.etag, found.info.size), (written.etag, 5));
    assert_eq!((found.parts_count, found.parts.len(), found.more), (None, 0, false));
}
