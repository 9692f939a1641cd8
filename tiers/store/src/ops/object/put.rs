//! PutObject.

use terrace_long_term::{BlobBody, SizeHint};

use crate::body::{self, Peeked};
use crate::digest::{Sums, Wanted, summed};
use crate::error::{Error, Failure, FailureKind, Refusal, Result};
use crate::name::{BucketName, ObjectKey, Revision};
use crate::object::{Algorithm, ChecksumSlot, ETag, ETagMode, Metadata, ObjectChecksum, WriteCondition};
use crate::ops::join;
use crate::ops::object::record::{NewBody, PutRecord, rechunk};
use crate::rows::ticket::Kind;
use crate::store::Store;
use crate::ticket::Guard;
use crate::transact::Run;

/// Largest body of one request, in bytes (S3 user guide: 5 GiB for a PUT and for a part).
pub(crate) const LARGEST: u64 = 5 << 30;

/// A body being received.
pub struct Body {
    /// Its bytes; verified by the front before it yields the end.
    pub stream: BlobBody,
    /// Its exact length in bytes, where the client said it.
    pub length: Option<u64>,
    /// The checksum that the front verified, filled at the latest when the stream ends.
    pub checksum: ChecksumSlot,
    /// Its MD5, where the client sent it; verified by the front before the stream ends.
    pub md5: Option<[u8; 16]>,
}

/// What a client wants stored.
pub struct PutObject {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What is said of it.
    pub metadata: Metadata,
    /// On which condition.
    pub condition: WriteCondition,
    /// Its bytes.
    pub body: Body,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its ETag.
    pub etag: ETag,
    /// Its Last-Modified, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Bytes of the body.
    pub size: u64,
    /// The verified checksum that was stored.
    pub checksum: Option<ObjectChecksum>,
}

impl Store {
    /// Stores a body under a key, in place of what was there. Up to `inline_max` bytes: one transaction; more: one long-term request and two
    /// transactions, the first of them beside the upload. Once the body is here the write runs to its end, whoever waits.
    ///
    /// # Errors
    /// `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey` (If-Match on nothing), `EntityTooLarge`, `MetadataTooLarge`; the body's own.
    pub async fn put_object(&self, request: PutObject) -> Result<Written> {
        let PutObject { bucket, key, metadata, condition, body } = request;
        metadata.check()?;
        self.expect_bucket(&bucket).await?;
        let received = self.receive(Kind::Object, (&bucket, &key, self.mint()), body, None).await?;
        let store = self.clone();
        let task = self.tasks.operation("put object", async move {
            let Received { body, digests } = received;
            let run = Run::client("put object", body.revision());
            let (started, is_here) = (store.clock.monotonic(), !matches!(body, NewBody::Blob { .. }));
            let mut work =
                PutRecord { store: &store, bucket, key, metadata, condition, digests, body, queued: false };
            let written = store.write(run, &mut work).await?;
            if is_here {
                store.metrics.high_volume.put(store.clock.monotonic() - started, written.size);
            }
            if work.queued {
                store.reclaim.wake();
            }
            work.body.won();
            Ok(written)
        });
        join(task, "put object").await
    }

    /// Takes a body in under a fresh revision: small ones into memory, large ones to the long-term tier under a ticket. `computed` is a checksum that is wanted
    /// though nobody sent it.
    pub(crate) async fn receive(
        &self,
        kind: Kind,
        place @ (.., revision): (&BucketName, &ObjectKey, Revision),
        body: Body,
        computed: Option<Algorithm>,
    ) -> Result<Received> {
        let Body { stream, length, checksum, md5 } = body;
        if length.is_some_and(|length| length > LARGEST) {
            return Err(Refusal::EntityTooLarge.into());
        }
        self.expect_space()?;
        let wants_md5 = self.settings.etag == ETagMode::Md5;
        let wanted = Wanted { md5: wants_md5 && md5.is_none(), checksum: computed };
        let (stream, sums) = summed(&self.tasks, wanted, stream);
        let started = self.clock.monotonic();
        let first = || self.metrics.high_volume.put_first_chunk(self.clock.monotonic() - started);
        let body = match body::peek(stream, length, self.settings.inline_max, first).await? {
            Peeked::Small(_, 0) => NewBody::Empty { revision },
            Peeked::Small(chunks, size) => NewBody::Inline { revision, chunks: rechunk(&chunks), size },
            Peeked::Large(stream, hint) => self.upload(kind, place, (stream, hint)).await?,
        };
        let sums = match sums.get() {
            Some(sums) => sums.clone(),
            None if wanted.is_nothing() => Sums::default(),
            None => return Err(unfinished(self.facts.name)),
        };
        let checksum = sums.checksum.or_else(|| checksum.get().cloned());
        let md5 = sums.md5.or(md5.filter(|_| wants_md5));
        Ok(Received { body, digests: Sums { md5, checksum } })
    }

    /// Stores a large body as a blob under a ticket.
    async fn upload(
        &self,
        kind: Kind,
        (bucket, key, revision): (&BucketName, &ObjectKey, Revision),
        (stream, hint): (BlobBody, SizeHint),
    ) -> Result<NewBody> {
        let bid = self.bucket_id(bucket).await?;
        let mut guard = Guard::open(self, kind, (bid, key, revision));
        let stream = body::bounded(stream, LARGEST);
        let gated = crate::ticket::gated(stream, guard.recorded());
        match self.blobs.put(guard.blob_key(), gated, hint).await {
            Ok(stored) => Ok(NewBody::Blob { guard, size: stored.size }),
            Err(error) => {
                guard.put_failed(error.outcome());
                Err(self.put_error(error))
            }
        }
    }

    pub(crate) fn put_error(&self, error: terrace_long_term::BlobError) -> Error {
        match error.into_body_error() {
            Ok(broken) if broken.source.is::<body::TooLarge>() => Refusal::EntityTooLarge.into(),
            Ok(broken) if broken.source.is::<crate::ticket::NotRecorded>() => {
                Failure::new(FailureKind::Unavailable, "record a ticket", self.facts.name)
                    .because(broken)
                    .into()
            }
            Ok(broken) => Error::Body(broken),
            Err(error) => self.blob_failure("put a blob", error).into(),
        }
    }

    /// Refuses before any tier is touched when there is no room.
    pub(crate) fn expect_space(&self) -> Result<()> {
        if self.space.admits_writes() {
            return Ok(());
        }
        Err(Failure::new(FailureKind::NoSpace, "admit a write", "space").into())
    }
}

/// Nobody read the body to its end, so its digests are not known.
pub(crate) fn unfinished(backend: &'static str) -> Error {
    Failure::new(FailureKind::Bug, "compute the digests of a body", backend).into()
}

/// A body that is here, but not yet of any record.
pub(crate) struct Received {
    pub(crate) body: NewBody,
    /// What its record keeps: the checksum that was verified or computed, the MD5 where ETags are MD5s.
    pub(crate) digests: Sums,
}
