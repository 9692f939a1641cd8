//! CopyObject.

use terrace_high_volume::{Transaction, Version};
use terrace_long_term::SizeHint;

use crate::body;
use crate::digest::{Sums, Wanted, summed, sums_of};
use crate::error::{Error, Failure, FailureKind, Refusal, Result};
use crate::name::{BucketName, ObjectKey, Revision};
use crate::object::{
    Algorithm, CopiedMetadata, ETagMode, Metadata, ObjectChecksum, ReadCondition, StandardHeader,
    WriteCondition,
};
use crate::ops::join;
use crate::ops::object::get::{self, GetObject, Look, ObjectInfo, Seen, Selection, Source};
use crate::ops::object::manifest::Piece;
use crate::ops::object::put::{LARGEST, Written, unfinished};
use crate::ops::object::record::{NewBody, Place, PutRecord, rechunk};
use crate::reclaim::queue;
use crate::rows;
use crate::rows::garbage::Class;
use crate::rows::ticket::Kind;
use crate::store::Store;
use crate::ticket::Guard;
use crate::transact::{Reading, Run, Step, Stop, Work};

/// Where a copy comes from.
#[derive(Clone)]
pub struct CopySource {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// On which condition.
    pub condition: ReadCondition,
}

/// Whose metadata the copy has.
#[derive(Clone)]
pub enum MetadataDirective {
    /// The source's, but for what is never copied.
    Copy(CopiedMetadata),
    /// This instead.
    Replace(Metadata),
}

/// What a client wants copied.
pub struct CopyObject {
    /// From where.
    pub source: CopySource,
    /// To which bucket.
    pub bucket: BucketName,
    /// To which key.
    pub key: ObjectKey,
    /// With whose metadata.
    pub metadata: MetadataDirective,
    /// On which condition of the destination.
    pub condition: WriteCondition,
    /// With which checksum; `None`: that of the source. A source that has it not as one over all bytes is read for it, even where a
    /// copy would move no byte through here.
    pub checksum: Option<Algorithm>,
}

/// How often a copy starts again because its source changed while its blob was being read.
const RESTARTS: usize = 8;

impl Store {
    /// Copies an object of at most 5 GiB. Small: one transaction. Large: one long-term copy under a ticket, the source pinned. A self-copy
    /// with new metadata moves no byte and keeps the ETag.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`, `InvalidRequest` (onto itself without a change; source too large).
    pub async fn copy_object(&self, request: CopyObject) -> Result<Written> {
        match &request.metadata {
            MetadataDirective::Replace(metadata) => metadata.check()?,
            MetadataDirective::Copy(own) => own.over(Metadata::default()).check()?,
        }
        self.expect_space()?;
        let store = self.clone();
        let task = self.tasks.operation("copy object", async move {
            for _ in 0..RESTARTS {
                if let Some(written) = store.copy_once(&request).await? {
                    return Ok(written);
                }
            }
            let what = "copy object (its source changed too often, or its body is missing)";
            Err(Failure::new(FailureKind::TimedOut, what, store.facts.name).into())
        });
        join(task, "copy object").await
    }

    /// One try; `None` when the blob of the source was gone.
    async fn copy_once(&self, request: &CopyObject) -> Result<Option<Written>> {
        let CopySource { bucket, key, condition } = request.source.clone();
        let source = GetObject { bucket, key, selection: Selection::Whole, condition };
        let _until_pinned = self.reclaim.pin_ahead();
        let mut work = CopyRecord { store: self, request, source, revision: self.mint(), queued: false };
        let outcome = self.write(Run::client("copy object", work.revision), &mut work).await?;
        if work.queued {
            self.reclaim.wake();
        }
        match outcome {
            Outcome::Copied(written) => Ok(Some(written)),
            Outcome::Large(large) => self.copy_large(request, large).await,
        }
    }

    async fn copy_large(
        &self,
        request: &CopyObject,
        Large { info, pieces, version, digests }: Large,
    ) -> Result<Option<Written>> {
        let _pin = self.reclaim.pin(version);
        let bid = self.bucket_id(&request.bucket).await?;
        let mut guard = Guard::open(self, Kind::Object, (bid, &request.key, self.mint()));
        let whole = match pieces.as_slice() {
            [Piece::Blob { blob, range }] if *range == (0..info.size) && digests.wanted.is_nothing() => {
                Some(blob.clone())
            }
            _ => None,
        };
        let mut sums = None;
        let stored = if let Some(from) = whole {
            // A copy ends when it ends: its ticket must be durable before it begins.
            if let Err(error) = guard.recorded().wait().await {
                return Err(Failure::new(FailureKind::Unavailable, "record a ticket", self.facts.name)
                    .because(error)
                    .into());
            }
            self.blobs.copy(&from, guard.blob_key()).await
        } else {
            let Some(stream) = self.open_pieces(pieces, version).await? else { return Ok(None) };
            let (stream, slot) = summed(&self.tasks, digests.wanted, stream);
            sums = Some(slot);
            let gated = crate::ticket::gated(body::bounded(stream, LARGEST), guard.recorded());
            self.blobs.put(guard.blob_key(), gated, SizeHint::Exact(info.size)).await.map(Some)
        };
        let stored = stored.map_err(|error| {
            guard.put_failed(error.outcome());
            self.source_broke(self.put_error(error))
        })?;
        let Some(stored) = stored else { return Ok(None) };
        let sums = sums.and_then(|sums| sums.get().cloned());
        if sums.is_none() && !digests.wanted.is_nothing() {
            return Err(unfinished(self.facts.name));
        }
        let mut work = PutRecord {
            store: self,
            bucket: request.bucket.clone(),
            key: request.key.clone(),
            metadata: chosen(&request.metadata, info.metadata),
            condition: request.condition.clone(),
            digests: digests.with(sums.unwrap_or_default()),
            body: NewBody::Blob { guard, size: stored.size },
            queued: false,
        };
        let written = self.write(Run::client("copy object", work.body.revision()), &mut work).await?;
        if work.queued {
            self.reclaim.wake();
        }
        work.body.won();
        Ok(Some(written))
    }
}

impl Store {
    /// What a copy says when a body broke off: the body is ours, not the client's.
    pub(crate) fn source_broke(&self, error: Error) -> Error {
        match error {
            Error::Body(broken) => {
                let (operation, backend) = ("read the source of a copy", self.blobs.facts().name);
                Failure::new(FailureKind::Unavailable, operation, backend).because(broken).into()
            }
            other => other,
        }
    }
}

/// The metadata of the copy.
fn chosen(directive: &MetadataDirective, of_source: Metadata) -> Metadata {
    match directive {
        MetadataDirective::Copy(own) => own.over(of_source),
        MetadataDirective::Replace(metadata) => metadata.clone(),
    }
}

/// Which digests the record of a copy has.
struct Digests {
    /// Those of the source.
    kept: Sums,
    /// Those that the source has not.
    wanted: Wanted,
}

impl Digests {
    /// `asked`: the algorithm that the client names. `md5`: whether and which the source has, where ETags are MD5s.
    fn of(asked: Option<Algorithm>, source: Option<&ObjectChecksum>, md5: Option<Option<[u8; 16]>>) -> Self {
        let algorithm = asked.or(source.map(|source| source.checksum.algorithm));
        let kept = source.and_then(ObjectChecksum::of_all_bytes);
        let kept = kept.filter(|kept| Some(kept.algorithm) == algorithm);
        Self {
            kept: Sums { md5: md5.flatten(), checksum: kept.cloned() },
            wanted: Wanted {
                md5: md5 == Some(None),
                checksum: if kept.is_some() { None } else { algorithm },
            },
        }
    }

    fn with(self, computed: Sums) -> Sums {
        let Self { kept, .. } = self;
        Sums { md5: computed.md5.or(kept.md5), checksum: computed.checksum.or(kept.checksum) }
    }
}

/// A source whose bytes are on the long-term tier.
struct Large {
    info: ObjectInfo,
    pieces: Vec<Piece>,
    version: Version,
    digests: Digests,
}

enum Outcome {
    Copied(Written),
    Large(Large),
}

/// Reads the source and, if its body is small or stays where it is, writes the copy in the same transaction.
struct CopyRecord<'s> {
    store: &'s Store,
    request: &'s CopyObject,
    source: GetObject,
    revision: Revision,
    queued: bool,
}

impl Work for CopyRecord<'_> {
    type Output = Outcome;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Outcome>, Stop> {
        let CopyObject { source, bucket, key, metadata, condition, checksum } = self.request;
        if source.bucket == *bucket
            && source.key == *key
            && let Some(step) = self.onto_itself(txn).await?
        {
            return Ok(step);
        }
        let mut look = Look { store: self.store, request: &self.source, with_body: true, upload: None };
        let place = async {
            let bid = self.store.bucket(txn, bucket).await?;
            Place::read(self.store, txn, bid, key).await.map(|place| (bid, place))
        };
        let (seen, (bid, place)) = futures::try_join!(look.attempt(txn), place)?;
        let Seen { info, source, body, .. } = seen;
        if info.size > LARGEST {
            return Err(too_large().into());
        }
        let md5 = (self.store.settings.etag == ETagMode::Md5).then(|| body.md5());
        let digests = Digests::of(*checksum, info.checksum.as_ref(), md5);
        let chunks = match source {
            Source::Here(chunks) => chunks,
            Source::Pieces(pieces, version) => {
                return Ok(Step::Done(Outcome::Large(Large { info, pieces, version, digests })));
            }
        };
        let sums = sums_of(&self.store.tasks, digests.wanted, &chunks).await;
        let sums = sums.map_err(|lost| {
            Failure::new(FailureKind::Unavailable, "compute digests", self.store.facts.name).because(lost)
        })?;
        let revision = self.revision;
        let body = match usize::try_from(info.size).unwrap_or(usize::MAX) {
            0 => NewBody::Empty { revision },
            size => NewBody::Inline { revision, chunks: rechunk(&chunks), size },
        };
        body.place(txn, bid).await?;
        let put = PutRecord {
            store: self.store,
            bucket: bucket.clone(),
            key: key.clone(),
            metadata: chosen(metadata, info.metadata),
            condition: condition.clone(),
            digests: digests.with(sums),
            body,
            queued: false,
        };
        let (written, queued) = put.put(txn, place)?;
        self.queued = queued;
        Ok(Step::Write(Outcome::Copied(written)))
    }
}

impl CopyRecord<'_> {
    /// New metadata for an object whose body stays; `None` where a checksum is asked for that it has not.
    async fn onto_itself(
        &mut self,
        txn: &dyn Transaction,
    ) -> std::result::Result<Option<Step<Outcome>>, Stop> {
        let CopyObject { source, bucket, key, metadata, condition, checksum } = self.request;
        if matches!(metadata, MetadataDirective::Copy(own) if own.is_empty()) {
            return Err(Refusal::InvalidRequest(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
                 metadata, storage class, website redirect location or encryption attributes.",
            )
            .into());
        }
        let bid = self.store.bucket(txn, bucket).await?;
        let place = Place::read(self.store, txn, bid, key).await?;
        let Some(head) = &place.head else { return Err(Refusal::NoSuchKey.into()) };
        source.condition.check(head.etag(), head.modified_ms)?;
        condition.check(Some(head.etag()))?;
        if head.size > LARGEST {
            return Err(too_large().into());
        }
        let has = head.checksum.as_ref().map(|sum| sum.checksum.algorithm);
        if checksum.is_some() && *checksum != has {
            return Ok(None);
        }
        let metadata = match (metadata, &head.metadata) {
            (MetadataDirective::Replace(metadata), _) => metadata.clone(),
            (MetadataDirective::Copy(own), Some(here)) => own.over(here.clone()),
            (MetadataDirective::Copy(own), None) => {
                own.over(get::extension(txn, &rows::extension::key(bid, key, head.vseq)).await?)
            }
        };
        let mut changed = head.clone();
        changed.rev = self.revision;
        changed.modified_ms = place.modified_now();
        changed.storage_class = metadata.header(StandardHeader::StorageClass).map(str::to_owned);
        changed.metadata = Some(metadata);
        let (written, waste) = place.set(txn, changed);
        queue::put(txn, Class::Soon, waste.as_slice());
        self.queued = waste.is_some();
        Ok(Some(Step::Write(Outcome::Copied(written))))
    }
}

fn too_large() -> Refusal {
    Refusal::InvalidRequest(
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
    )
}
