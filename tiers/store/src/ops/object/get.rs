//! GetObject.

use std::ops::Range;

use bytes::Bytes;
use futures::stream;
use terrace_high_volume::{Key, Read, Transaction, Version};
use terrace_long_term::{BlobBody, BlobKey};
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::{Error, Failure, FailureKind, Refusal, Result};
use crate::name::{BucketId, BucketName, ObjectKey, PartNumber, Revision};
use crate::object::{
    Checksum, ChecksumType, ETag, Metadata, ObjectChecksum, RangeRequest, ReadCondition, resolve,
};
use crate::ops::multipart::UploadRef;
use crate::ops::object::manifest::{self, Piece};
use crate::rows;
use crate::rows::head::{BodyAt, Head};
use crate::rows::upload::UploadDoc;
use crate::store::Store;
use crate::transact::{Reading, Stop, get};

/// Which bytes of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All.
    #[default]
    Whole,
    /// A range.
    Range(RangeRequest),
    /// One part of a multipart object; part 1 of any other is the whole.
    Part(PartNumber),
}

/// What a client wants to read.
pub struct GetObject {
    /// Where.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which bytes.
    pub selection: Selection,
    /// On which condition.
    pub condition: ReadCondition,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its ETag.
    pub etag: ETag,
    /// Its Last-Modified, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Bytes of the whole body.
    pub size: u64,
    /// What was said of it.
    pub metadata: Metadata,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
}

/// Which bytes an answer holds, where they were selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes, end exclusive. Empty only for part 1 of an empty object.
    pub range: Range<u64>,
    /// Parts of the object, when a part was asked for (`x-amz-mp-parts-count`).
    pub parts_count: Option<u32>,
    /// The checksum of these bytes, when a part was asked for that has one of its own: any part of a composite, the only part of any other
    /// object. One of several parts of an object with a checksum over all bytes has none (as S3 answers).
    pub checksum: Option<Checksum>,
}

/// An object being read.
pub struct ObjectRead {
    /// What is known of it.
    pub info: ObjectInfo,
    /// `None`: the whole body, answered 200; else answered 206.
    pub part: Option<Part>,
    /// Exactly those bytes, or an error.
    pub body: BlobBody,
}

/// How often a read starts again because the object changed while its blob was being opened.
const RESTARTS: usize = 8;

impl Store {
    /// Reads an object: one record read, then the body in the same snapshot or from the long-term tier. A body of the long-term tier is
    /// pinned against reclaim until the stream is dropped.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NotModified`, `PreconditionFailed`, `RangeUnsatisfiable`, `InvalidArgument` (no such part).
    pub async fn get_object(&self, request: GetObject) -> Result<ObjectRead> {
        Ok(self.open_object(request, None).await?.read)
    }

    /// [`Store::get_object`], and the open upload that the bytes are for, read in the same transaction.
    pub(crate) async fn open_object(&self, request: GetObject, upload: Option<&UploadRef>) -> Result<Opened> {
        let mut missing: Option<ETag> = None;
        let started = self.clock.monotonic();
        for _ in 0..RESTARTS {
            let _until_pinned = self.reclaim.pin_ahead();
            let mut look = Look { store: self, request: &request, with_body: true, upload };
            let Seen { info, part, source, body: row, upload } = self.read("get object", &mut look).await?;
            let body = match source {
                Source::Here(chunks) => {
                    let bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
                    self.metrics.high_volume.get(self.clock.monotonic() - started, bytes);
                    Some(here(chunks))
                }
                Source::Pieces(pieces, version) => self.open_pieces(pieces, version).await?,
            };
            if let Some(body) = body {
                return Ok(Opened { read: ObjectRead { info, part, body }, md5: row.md5(), upload });
            }
            // The blob is missing. Either the object changed since its record was read, or it has lost its body.
            if missing == Some(info.etag) || is_planted(Bug::NoSecondLook) {
                return Err(self.orphan(&request).await);
            }
            missing = Some(info.etag);
        }
        Err(Failure::new(FailureKind::TimedOut, "get object (it changed too often)", self.facts.name).into())
    }

    /// A record without its body: not found, said aloud; but only if the long-term tier answers for itself at this moment.
    async fn orphan(&self, request: &GetObject) -> Error {
        match self.blobs.deployment().await {
            Ok(Some(_)) => {
                self.metrics.orphan_reads.inc();
                tracing::error!(bucket = ?request.bucket, key = ?request.key, "the body of an object is missing");
                Refusal::NoSuchKey.into()
            }
            Ok(None) => {
                Failure::new(FailureKind::Unavailable, "find the deployment marker", self.blobs.facts().name)
                    .into()
            }
            Err(error) => self.blob_failure("read the deployment marker", error).into(),
        }
    }
}

/// An object being read as the source of a copy.
pub(crate) struct Opened {
    pub(crate) read: ObjectRead,
    /// The MD5 of the whole body, where the record has it.
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) upload: Option<UploadDoc>,
}

/// What a look at a record found.
pub(crate) struct Seen {
    pub(crate) info: ObjectInfo,
    pub(crate) part: Option<Part>,
    pub(crate) source: Source,
    pub(crate) body: BodyFacts,
    pub(crate) upload: Option<UploadDoc>,
}

/// What a record says of a body, and does not show.
pub(crate) struct BodyFacts {
    /// Its revision.
    pub(crate) rev: Revision,
    /// Its parts; `None`: it has no manifest.
    pub(crate) parts: Option<u32>,
    md5: Option<[u8; 16]>,
}

impl BodyFacts {
    /// The MD5 of its bytes, where the record has it; that of a multipart body is one of MD5s.
    pub(crate) fn md5(&self) -> Option<[u8; 16]> {
        self.md5.filter(|_| self.parts.is_none())
    }
}

/// Where the selected bytes are.
pub(crate) enum Source {
    /// Here.
    Here(Vec<Bytes>),
    /// In these, one after the other; the record was read at this version.
    Pieces(Vec<Piece>, Version),
}

/// A look at a record, and at its inline body, at one version.
pub(crate) struct Look<'r> {
    pub(crate) store: &'r Store,
    pub(crate) request: &'r GetObject,
    /// Whether the bytes are wanted as well.
    pub(crate) with_body: bool,
    /// An open upload that is wanted as well.
    pub(crate) upload: Option<&'r UploadRef>,
}

impl Reading for Look<'_> {
    type Output = Seen;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Seen, Stop> {
        let GetObject { bucket, key, selection, condition } = self.request;
        let bid = self.store.bucket_row(txn, bucket, Read::Snapshot).await?.bid;
        let row = rows::object::key(bid, key);
        let row = async { Ok::<_, Stop>(get(txn, &row, Read::Snapshot).await?) };
        let (row, upload) = futures::try_join!(row, open_upload(self.store, txn, self.upload))?;
        let mut head = Head::decode(&row.ok_or(Refusal::NoSuchKey)?)?;
        condition.check(head.etag(), head.modified_ms)?;
        let selection = match selection {
            Selection::Range(_) if !condition.keeps_range(head.etag(), head.modified_ms) => Selection::Whole,
            selection => *selection,
        };
        let part = select(txn, &head, selection).await?;
        let range = part.as_ref().map_or(0..head.size, |part| part.range.clone());
        let own = head.metadata.take();
        let metadata = async {
            match own {
                Some(metadata) => Ok(metadata),
                None => extension(txn, &rows::extension::key(bid, key, head.vseq)).await,
            }
        };
        let (metadata, source) = futures::try_join!(metadata, self.source(txn, bid, &head, range))?;
        let parts = matches!(head.body, BodyAt::Manifest).then_some(head.parts);
        let body = BodyFacts { rev: head.body_rev, parts, md5: head.md5 };
        let info = ObjectInfo {
            etag: head.etag(),
            modified_ms: head.modified_ms,
            size: head.size,
            metadata,
            checksum: head.checksum,
        };
        Ok(Seen { info, part, source, body, upload })
    }
}

impl Look<'_> {
    /// Where the bytes in `range` are, with those that are in rows.
    async fn source(
        &self,
        txn: &dyn Transaction,
        bid: BucketId,
        head: &Head,
        range: Range<u64>,
    ) -> std::result::Result<Source, Stop> {
        let key = &self.request.key;
        Ok(match &head.body {
            _ if !self.with_body || range.is_empty() => Source::Here(Vec::new()),
            BodyAt::Empty => Source::Here(Vec::new()),
            BodyAt::Inline => Source::Here(inline(txn, head, &range).await?),
            BodyAt::Blob { origin } => {
                let (bid, key) = origin.as_ref().map_or((bid, key), |(bid, key)| (*bid, key));
                let blob = BlobKey { bid: bid.0, key: key.as_bytes().clone(), rev: head.body_rev.0 };
                Source::Pieces(vec![Piece::Blob { blob, range }], txn.read_version().await?)
            }
            BodyAt::Manifest => {
                let pieces = manifest::pieces(txn, bid, key, head.body_rev, &range).await?;
                Source::Pieces(pieces, txn.read_version().await?)
            }
        })
    }
}

/// An open upload, where one is wanted.
async fn open_upload(
    store: &Store,
    txn: &dyn Transaction,
    upload: Option<&UploadRef>,
) -> std::result::Result<Option<UploadDoc>, Stop> {
    let Some(UploadRef { bucket, key, upload }) = upload else { return Ok(None) };
    let bid = store.bucket_row(txn, bucket, Read::Snapshot).await?.bid;
    let row = get(txn, &rows::upload::key(bid, key, *upload), Read::Snapshot).await?;
    Ok(Some(UploadDoc::decode(&row.ok_or(Refusal::NoSuchUpload)?)?))
}

/// The selected bytes; `None` for all.
async fn select(
    txn: &dyn Transaction,
    head: &Head,
    selection: Selection,
) -> std::result::Result<Option<Part>, Stop> {
    match selection {
        Selection::Whole => Ok(None),
        Selection::Range(range) => {
            Ok(Some(Part { range: resolve(range, head.size)?, parts_count: None, checksum: None }))
        }
        Selection::Part(number) => {
            let no_such_part = Refusal::InvalidArgument("the object has no part of this number");
            if u32::from(number.get()) > head.parts {
                return Err(no_such_part.into());
            }
            let (range, own) = match head.body {
                BodyAt::Manifest => manifest::part(txn, head.body_rev, number).await?,
                BodyAt::Empty | BodyAt::Inline | BodyAt::Blob { .. } => (0..head.size, None),
            };
            let parts_count = matches!(head.body, BodyAt::Manifest).then_some(head.parts);
            let checksum = match head.checksum.as_ref().map(ObjectChecksum::kind) {
                Some(ChecksumType::Composite) => own,
                Some(ChecksumType::FullObject) if range == (0..head.size) => {
                    head.checksum.as_ref().map(|sum| sum.checksum.clone())
                }
                _ => None,
            };
            Ok(Some(Part { range, parts_count, checksum }))
        }
    }
}

/// Spilled metadata.
pub(crate) async fn extension(txn: &dyn Transaction, key: &Key) -> std::result::Result<Metadata, Stop> {
    let value =
        get(txn, key, Read::Snapshot).await?.ok_or(rows::Damaged { family: rows::Family::Extension })?;
    Ok(rows::extension::decode(&value)?)
}

/// The chunks of an inline body that hold `range`, cut to it.
pub(crate) async fn inline(
    txn: &dyn Transaction,
    head: &Head,
    range: &Range<u64>,
) -> std::result::Result<Vec<Bytes>, Stop> {
    let chunks = inline_range(txn, head.body_rev, head.size, range).await?;
    Ok(chunks.ok_or(rows::Damaged { family: rows::Family::Inline })?)
}

/// The chunks of the inline body `rev` of `size` bytes that hold `range`, cut to it; `None`: it is not there.
pub(crate) async fn inline_range(
    txn: &dyn Transaction,
    rev: Revision,
    size: u64,
    range: &Range<u64>,
) -> std::result::Result<Option<Vec<Bytes>>, Stop> {
    const CHUNK: u64 = rows::inline::CHUNK as u64;
    let keys = rows::inline::keys(rev, size);
    let damaged = || rows::Damaged { family: rows::Family::Inline };
    let index = |chunk: u64| usize::try_from(chunk).map_err(|_| damaged());
    let (first, end) = (index(range.start / CHUNK)?, index(range.end.div_ceil(CHUNK))?);
    let wanted = keys.get(first..end).ok_or_else(damaged)?;
    let mut chunks = Vec::with_capacity(wanted.len());
    let mut at = range.start / CHUNK * CHUNK;
    for chunk in txn.get_many(wanted, Read::Snapshot).await? {
        let Some(chunk) = chunk else { return Ok(None) };
        if chunk.len() as u64 != CHUNK.min(size - at) {
            return Err(damaged().into());
        }
        let from = index(range.start.saturating_sub(at))?;
        let to = index((range.end - at).min(CHUNK))?;
        chunks.push(chunk.slice(from..to));
        at += CHUNK;
    }
    Ok(Some(chunks))
}

/// A body that is in memory.
fn here(chunks: Vec<Bytes>) -> BlobBody {
    Box::pin(stream::iter(chunks.into_iter().map(Ok)))
}
