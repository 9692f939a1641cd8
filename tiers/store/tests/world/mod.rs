//! A store over memory tiers with everything around it in the test's hand.
#![allow(dead_code, reason = "each test program uses its own part of the world")]

mod blobs;
mod cases;
mod clock;
mod kv;
mod oracle;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use prometheus::Registry;
use terrace_high_volume::memory::MemoryKv;
use terrace_long_term::BlobBody;
use terrace_long_term::layers::measure::TierMetrics;
use terrace_runtime::{Clock, SeededIds, Tasks};
use terrace_store::name::{BucketName, ObjectKey, PartNumber};
use terrace_store::object::{
    CopiedMetadata, DeleteCondition, ETagMode, Metadata, ReadCondition, WriteCondition,
};
use terrace_store::ops::multipart::{
    CompleteUpload, CompletedPart, CreateUpload, Given, UploadPart, UploadRef,
};
use terrace_store::ops::object::{
    Body, CopyObject, CopySource, GetObject, MetadataDirective, ObjectRead, PutObject, Selection, Written,
};
use terrace_store::{Error, FailureKind, Fences, OpenError, Parts, Refusal, Settings, Space, Store};

#[allow(unused_imports, reason = "as above")]
pub(crate) use blobs::TestBlobs;
#[allow(unused_imports, reason = "as above")]
pub(crate) use cases::{Act, Case, Ready, cases};
#[allow(unused_imports, reason = "as above")]
pub(crate) use clock::WorldClock;
#[allow(unused_imports, reason = "as above")]
pub(crate) use kv::{Fault, TestKv};
#[allow(unused_imports, reason = "as above")]
pub(crate) use oracle::{Counters, Dump};
#[allow(unused_imports, reason = "as above")]
pub(crate) use steps::{Steps, polled};

/// `inline_max` of these stores: two chunks.
pub(crate) const THRESHOLD: usize = 100_000;
/// Smallest part but for the last.
pub(crate) const PART: usize = 5 << 20;

/// Whether there is room, as the test says.
pub(crate) struct Room(AtomicBool);

impl Room {
    pub(crate) fn is_full(&self, full: bool) {
        self.0.store(!full, Ordering::SeqCst);
    }
}

impl Space for Room {
    fn admits_writes(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What outlives a store: the two tiers, time, and the fences.
#[derive(Clone)]
pub(crate) struct Engines {
    pub(crate) clock: Arc<WorldClock>,
    pub(crate) kv: Arc<TestKv>,
    pub(crate) blobs: Arc<TestBlobs>,
    pub(crate) room: Arc<Room>,
    pub(crate) steps: Arc<Steps>,
    pub(crate) fences: Fences,
    pub(crate) settings: Settings,
    ids: Arc<SeededIds>,
}

/// A store over them.
pub(crate) struct World {
    pub(crate) engines: Engines,
    pub(crate) store: Store,
    pub(crate) tasks: Tasks,
    pub(crate) registry: Registry,
    pub(crate) bucket: BucketName,
}

impl Engines {
    /// Empty tiers; the records on an engine whose commits may lose their answers, or not.
    pub(crate) fn new(may_lose_answers: bool) -> Self {
        let clock = Arc::new(WorldClock::new());
        let steps = Arc::new(Steps::default());
        let memory = MemoryKv::new(Arc::clone(&clock) as _);
        let settings = Settings {
            inline_max: THRESHOLD,
            deadline: Duration::from_secs(20),
            grace: Duration::from_secs(5),
            smallest_part: PART as u64,
            sweep_age: Duration::from_secs(3_600),
            etag: ETagMode::Revision,
        };
        Self {
            ids: Arc::new(SeededIds::new(7, Arc::clone(&clock) as _)),
            kv: Arc::new(TestKv::new(memory, may_lose_answers, Arc::clone(&steps))),
            blobs: Arc::new(TestBlobs::new(Arc::clone(&steps))),
            room: Arc::new(Room(AtomicBool::new(true))),
            fences: Fences::default(),
            clock,
            steps,
            settings,
        }
    }

    pub(crate) fn parts(&self, tasks: &Tasks) -> Parts {
        Parts {
            kv: Arc::clone(&self.kv) as _,
            blobs: Arc::clone(&self.blobs) as _,
            clock: Arc::clone(&self.clock) as _,
            ids: Arc::clone(&self.ids) as _,
            tasks: tasks.clone(),
            space: Arc::clone(&self.room) as _,
            fences: self.fences.clone(),
            tiers: TierMetrics::register(&Registry::new()).unwrap(),
            settings: self.settings,
        }
    }

    pub(crate) async fn try_open(&self) -> Result<World, OpenError> {
        let (tasks, registry) = (Tasks::new(), Registry::new());
        let store = Store::open(self.parts(&tasks), &registry).await?;
        Ok(World { engines: self.clone(), store, tasks, registry, bucket: bucket("bucket") })
    }

    pub(crate) async fn open(&self) -> World {
        self.try_open().await.unwrap()
    }
}

pub(crate) fn bucket(name: &str) -> BucketName {
    BucketName::new(name).unwrap()
}

pub(crate) fn key(name: impl Into<Bytes>) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

pub(crate) fn number(number: i32) -> PartNumber {
    PartNumber::new(number).unwrap()
}

/// `length` bytes that tell their place and `seed`.
pub(crate) fn bytes(length: usize, seed: u8) -> Bytes {
    let block: Vec<u8> = (0..=250_u8).map(|n| n.wrapping_mul(7).wrapping_add(seed)).collect();
    let mut bytes = BytesMut::with_capacity(length + block.len());
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
    }
    bytes.truncate(length);
    bytes.freeze()
}

/// `bytes` in chunks of `chunk` bytes.
pub(crate) fn stream_of(bytes: &Bytes, chunk: usize) -> BlobBody {
    let chunks: Vec<_> =
        (0..bytes.len()).step_by(chunk).map(|at| Ok(bytes.slice(at..bytes.len().min(at + chunk)))).collect();
    Box::pin(stream::iter(chunks))
}

pub(crate) fn body(bytes: &Bytes) -> Body {
    let length = Some(bytes.len() as u64);
    Body { stream: stream_of(bytes, 40_000), length, checksum: Arc::default(), md5: None }
}

/// All bytes of a body.
pub(crate) async fn collect(mut body: BlobBody) -> Result<Bytes, terrace_long_term::BodyError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all.freeze())
}

/// The refusal of an error, which must be one.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Ok(_) => panic!("not refused"),
        Err(Error::Refused(refusal)) => refusal,
        Err(error) => panic!("failed, not refused: {error:?}"),
    }
}

/// The kind of a failure, which the error must be.
pub(crate) fn failure<T>(result: Result<T, Error>) -> FailureKind {
    match result {
        Ok(_) => panic!("not failed"),
        Err(Error::Failed(failure)) => failure.kind(),
        Err(error) => panic!("not a failure: {error:?}"),
    }
}

impl World {
    /// A store with an empty bucket `bucket`, on an engine that never loses an answer.
    pub(crate) async fn new() -> Self {
        Self::over(Engines::new(false)).await
    }

    /// The same on an engine that may lose answers.
    pub(crate) async fn lossy() -> Self {
        Self::over(Engines::new(true)).await
    }

    /// The same, with a deadline so short that an attempt can still land after it.
    pub(crate) async fn lossy_and_hasty() -> Self {
        let mut engines = Engines::new(true);
        engines.settings.deadline = Duration::from_secs(1);
        Self::over(engines).await
    }

    pub(crate) async fn over(engines: Engines) -> Self {
        let world = engines.open().await;
        world.store.create_bucket(world.bucket.clone(), "owner").await.unwrap();
        world
    }

    /// Stops the store without closing its engines, and opens another over them.
    pub(crate) async fn reopen(self) -> Self {
        let engines = self.stop().await;
        engines.open().await
    }

    /// Stops the store without closing its engines.
    pub(crate) async fn stop(self) -> Engines {
        self.tasks.join(Duration::from_secs(600)).await.unwrap();
        self.tasks.stop_workers(Duration::from_secs(60)).await.unwrap();
        self.engines
    }

    pub(crate) fn put_request(&self, name: &str, bytes: &Bytes) -> PutObject {
        PutObject {
            bucket: self.bucket.clone(),
            key: key(name.to_owned()),
            metadata: Metadata::default(),
            condition: WriteCondition::default(),
            body: body(bytes),
        }
    }

    pub(crate) async fn put(&self, name: &str, bytes: &Bytes) -> Result<Written, Error> {
        self.store.put_object(self.put_request(name, bytes)).await
    }

    pub(crate) fn get_request(&self, name: &str, selection: Selection) -> GetObject {
        let (bucket, key) = (self.bucket.clone(), key(name.to_owned()));
        GetObject { bucket, key, selection, condition: ReadCondition::default() }
    }

    pub(crate) async fn read(&self, name: &str, selection: Selection) -> Result<ObjectRead, Error> {
        self.store.get_object(self.get_request(name, selection)).await
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Bytes, Error> {
        let read = self.read(name, Selection::Whole).await?;
        let all = collect(read.body).await?;
        assert_eq!(all.len() as u64, read.info.size);
        Ok(all)
    }

    pub(crate) async fn delete(&self, name: &str) -> Result<(), Error> {
        let condition = DeleteCondition::default();
        self.store.delete_object(self.bucket.clone(), key(name.to_owned()), condition).await
    }

    pub(crate) fn copy_request(&self, from: &str, to: &str) -> CopyObject {
        let source = CopySource {
            bucket: self.bucket.clone(),
            key: key(from.to_owned()),
            condition: ReadCondition::default(),
        };
        CopyObject {
            source,
            bucket: self.bucket.clone(),
            key: key(to.to_owned()),
            metadata: MetadataDirective::Copy(CopiedMetadata::default()),
            condition: WriteCondition::default(),
            checksum: None,
        }
    }

    pub(crate) async fn open_upload(&self, name: &str) -> UploadRef {
        self.try_open_upload(name).await.unwrap()
    }

    pub(crate) async fn try_open_upload(&self, name: &str) -> Result<UploadRef, Error> {
        let (bucket, key) = (self.bucket.clone(), key(name.to_owned()));
        let metadata = Metadata { content_type: Some("video/mp4".into()), ..Metadata::default() };
        let request = CreateUpload { bucket: bucket.clone(), key: key.clone(), metadata, checksum: None };
        let upload = self.store.create_upload(request).await?;
        Ok(UploadRef { bucket, key, upload })
    }

    pub(crate) async fn upload(&self, to: &UploadRef, n: i32, bytes: &Bytes) -> Result<Written, Error> {
        let request = UploadPart { upload: to.clone(), number: number(n), body: body(bytes) };
        self.store.upload_part(request).await
    }

    /// An object of parts, in one call.
    pub(crate) async fn put_parts(&self, name: &str, parts: &[Bytes]) -> Written {
        let upload = self.open_upload(name).await;
        let mut listed = Vec::new();
        for (n, part) in (1..).zip(parts) {
            listed.push((n, self.upload(&upload, n, part).await.unwrap()));
        }
        self.store.complete_upload(completion(&upload, &listed)).await.unwrap()
    }

    /// Waits for what is under way, lets the grace pass, and reclaims.
    pub(crate) async fn settle(&self) {
        self.tasks.join(Duration::from_secs(600)).await.unwrap();
        self.engines.clock.pass(self.engines.settings.grace + Duration::from_millis(1));
        self.reclaim().await;
    }

    /// As [`settle`](Self::settle), and a day passes, so that finished uploads are forgotten.
    pub(crate) async fn settle_for_good(&self) {
        self.settle().await;
        self.engines.clock.pass(Duration::from_secs(24 * 3_600 + 1));
        self.reclaim().await;
    }

    /// Reclaims what is due. The store's own worker may be at it: let it end first.
    async fn reclaim(&self) {
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.store.reclaim_now().await.unwrap();
    }

    pub(crate) fn orphan_reads(&self) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "orphan_reads_total").unwrap();
        family.get_metric().iter().map(|metric| metric.get_counter().get_value() as u64).sum()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.engines.clock.wall()
    }
}

/// A completion of `parts` in the order given.
pub(crate) fn completion(upload: &UploadRef, parts: &[(i32, Written)]) -> CompleteUpload {
    let part = |(n, written): &(i32, Written)| CompletedPart {
        number: number(*n),
        etag: written.etag.to_string(),
        checksum: None,
    };
    CompleteUpload {
        upload: upload.clone(),
        parts: parts.iter().map(part).collect(),
        condition: WriteCondition::default(),
        size: None,
        whole: Given::default(),
    }
}
