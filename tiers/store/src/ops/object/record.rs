//! Writing a record: what PutObject, CopyObject and CompleteMultipartUpload have in common.

use bytes::{Bytes, BytesMut};
use terrace_high_volume::{Key, Mutation, Read, Transaction};

use crate::digest::Sums;
use crate::error::Refusal;
use crate::name::{BucketId, BucketName, ObjectKey, Revision};
use crate::object::{ETag, Metadata, StandardHeader, WriteCondition};
use crate::ops::object::put::Written;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::counter::Field;
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::rows::head::{BodyAt, Head};
use crate::store::Store;
use crate::ticket::Guard;
use crate::transact::{Step, Stop, Work, get};

/// A body that is to become the body of a record.
pub(crate) enum NewBody {
    /// No byte.
    Empty {
        /// Its revision.
        revision: Revision,
    },
    /// In the record's transaction.
    Inline {
        /// Its revision.
        revision: Revision,
        /// Its bytes, as [`rechunk`] cuts them.
        chunks: Vec<Bytes>,
        /// How many bytes.
        size: usize,
    },
    /// On the long-term tier, under a ticket.
    Blob {
        /// Owner of the ticket.
        guard: Guard,
        /// How many bytes.
        size: u64,
    },
}

impl NewBody {
    pub(crate) fn revision(&self) -> Revision {
        match self {
            Self::Empty { revision } | Self::Inline { revision, .. } => *revision,
            Self::Blob { guard, .. } => guard.revision(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Empty { .. } => 0,
            Self::Inline { size, .. } => *size as u64,
            Self::Blob { size, .. } => *size,
        }
    }

    /// The record is committed.
    pub(crate) fn won(self) {
        if let Self::Blob { guard, .. } = self {
            guard.won();
        }
    }

    /// Inside the transaction: brings the bytes in, or takes the ticket.
    ///
    /// # Errors
    /// `NoSuchBucket` for a blob named after another bucket than `bid`: the one that the write began in was deleted, and made again.
    pub(crate) async fn place(&self, txn: &dyn Transaction, bid: BucketId) -> Result<(), Stop> {
        match self {
            Self::Empty { .. } => {}
            Self::Inline { revision, chunks, .. } => {
                for (index, value) in (0_u8..).zip(chunks) {
                    txn.mutate(Mutation::Set {
                        key: rows::inline::key(*revision, index),
                        value: value.clone(),
                    });
                }
            }
            Self::Blob { guard, .. } if guard.blob_key().bid != bid.0 => {
                return Err(Refusal::NoSuchBucket.into());
            }
            Self::Blob { guard, .. } => guard.flip(txn).await?,
        }
        Ok(())
    }

    fn at(&self) -> BodyAt {
        match self {
            Self::Empty { .. } => BodyAt::Empty,
            Self::Inline { .. } => BodyAt::Inline,
            Self::Blob { .. } => BodyAt::Blob { origin: None },
        }
    }
}

/// Chunks of exactly [`rows::inline::CHUNK`] bytes but for the last. A body that came in one piece is sliced, not copied.
pub(crate) fn rechunk(chunks: &[Bytes]) -> Vec<Bytes> {
    const CHUNK: usize = rows::inline::CHUNK;
    let slices = |whole: &Bytes| {
        (0..whole.len()).step_by(CHUNK).map(|at| whole.slice(at..whole.len().min(at + CHUNK))).collect()
    };
    if let [whole] = chunks {
        return slices(whole);
    }
    let mut whole = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    for chunk in chunks {
        whole.extend_from_slice(chunk);
    }
    slices(&whole.freeze())
}

/// Sets the record of a key.
pub(crate) struct PutRecord<'s> {
    pub(crate) store: &'s Store,
    pub(crate) bucket: BucketName,
    pub(crate) key: ObjectKey,
    pub(crate) metadata: Metadata,
    pub(crate) condition: WriteCondition,
    pub(crate) digests: Sums,
    pub(crate) body: NewBody,
    /// Whether the last attempt queued waste.
    pub(crate) queued: bool,
}

impl Work for PutRecord<'_> {
    type Output = Written;

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Step<Written>, Stop> {
        let bid = self.store.bucket(txn, &self.bucket).await?;
        let place = Place::read(self.store, txn, bid, &self.key);
        let (place, ()) = futures::try_join!(place, self.body.place(txn, bid))?;
        let (written, waste) = self.put(txn, place)?;
        self.queued = waste;
        Ok(Step::Write(written))
    }
}

impl PutRecord<'_> {
    /// Sets the record at `place`, the body being in the transaction already, and says whether it queued waste.
    pub(crate) fn put(&self, txn: &dyn Transaction, place: Place<'_>) -> Result<(Written, bool), Refusal> {
        self.condition.check(place.etag())?;
        let revision = self.body.revision();
        let head = Head {
            rev: revision,
            vseq: place.next_vseq(),
            body: self.body.at(),
            body_rev: revision,
            size: self.body.size(),
            modified_ms: place.modified_now(),
            parts: 1,
            storage_class: self.metadata.header(StandardHeader::StorageClass).map(str::to_owned),
            checksum: self.digests.checksum.clone().map(Into::into),
            md5: self.digests.md5,
            metadata: Some(self.metadata.clone()),
        };
        let (written, waste) = place.set(txn, head);
        queue::put(txn, Class::Soon, waste.as_slice());
        Ok((written, waste.is_some()))
    }
}

/// A key inside a transaction that will change it: what is there, and how to put something in its place.
pub(crate) struct Place<'s> {
    store: &'s Store,
    bid: BucketId,
    key: &'s ObjectKey,
    row: Key,
    /// What is there.
    pub(crate) head: Option<Head>,
}

impl<'s> Place<'s> {
    /// Reads what is there; a commit fails if somebody changes it first.
    pub(crate) async fn read(
        store: &'s Store,
        txn: &dyn Transaction,
        bid: BucketId,
        key: &'s ObjectKey,
    ) -> Result<Self, Stop> {
        let row = rows::object::key(bid, key);
        let head = get(txn, &row, Read::Serializable).await?.map(|value| Head::decode(&value)).transpose()?;
        Ok(Self { store, bid, key, row, head })
    }

    /// The same for several keys, in one round trip.
    pub(crate) async fn read_many(
        store: &'s Store,
        txn: &dyn Transaction,
        bid: BucketId,
        keys: impl Iterator<Item = &'s ObjectKey>,
    ) -> Result<Vec<Self>, Stop> {
        let keys: Vec<&ObjectKey> = keys.collect();
        let rows: Vec<Key> = keys.iter().map(|key| rows::object::key(bid, key)).collect();
        let values = txn.get_many(&rows, Read::Serializable).await?;
        let mut places = Vec::with_capacity(rows.len());
        for ((key, row), value) in keys.into_iter().zip(rows).zip(values) {
            let head = value.map(|value| Head::decode(&value)).transpose()?;
            places.push(Self { store, bid, key, row, head });
        }
        Ok(places)
    }

    pub(crate) fn etag(&self) -> Option<ETag> {
        self.head.as_ref().map(Head::etag)
    }

    /// ETag, Last-Modified and size of what is there.
    pub(crate) fn current(&self) -> Option<(ETag, u64, u64)> {
        self.head.as_ref().map(|head| (head.etag(), head.modified_ms, head.size))
    }

    /// Number of the next version of this key.
    pub(crate) fn next_vseq(&self) -> u64 {
        self.head.as_ref().map_or(1, |head| head.vseq + 1)
    }

    /// Last-Modified of a write now: never backwards on a key, unless what is there claims to be from more than a day ahead.
    pub(crate) fn modified_now(&self) -> u64 {
        const DAY_MS: u64 = 86_400_000;
        let now = self.store.clock.wall();
        match &self.head {
            Some(head) if head.modified_ms <= now.saturating_add(DAY_MS) => now.max(head.modified_ms + 1),
            _ => now,
        }
    }

    /// Puts a record here; what was there goes. The waste is for the caller to queue, in one call a transaction.
    pub(crate) fn set(self, txn: &dyn Transaction, mut head: Head) -> (Written, Option<Garbage>) {
        let (old_count, old_size) = self.head.as_ref().map_or((0, 0), |old| (1, old.size));
        let waste = self.discard(txn, Some(&head));
        self.count(txn, Field::Objects, 1 - old_count);
        self.count(txn, Field::Bytes, signed(head.size) - signed(old_size));
        if let Some(metadata) = head.metadata.take_if(|metadata| rows::head::spills(metadata)) {
            let key = rows::extension::key(self.bid, self.key, head.vseq);
            txn.mutate(Mutation::Set { key, value: rows::extension::encode(&metadata) });
        }
        let written = Written {
            etag: head.etag(),
            modified_ms: head.modified_ms,
            size: head.size,
            checksum: head.checksum.clone(),
        };
        txn.mutate(Mutation::Set { key: self.row, value: head.encode() });
        (written, waste)
    }

    /// Takes the record away. Must be there. The waste is for the caller to queue, as for [`Place::set`].
    pub(crate) fn clear(self, txn: &dyn Transaction) -> Option<Garbage> {
        let waste = self.discard(txn, None);
        self.count(txn, Field::Objects, -1);
        self.count(txn, Field::Bytes, -signed(self.head.as_ref().map_or(0, |head| head.size)));
        txn.mutate(Mutation::Clear { key: self.row });
        waste
    }

    /// Lets go of what the old record owns and `kept` does not: the body by its revision, the spilled metadata by its version.
    fn discard(&self, txn: &dyn Transaction, kept: Option<&Head>) -> Option<Garbage> {
        let old = self.head.as_ref()?;
        if old.metadata.is_none() {
            txn.mutate(Mutation::Clear { key: rows::extension::key(self.bid, self.key, old.vseq) });
        }
        if kept.is_some_and(|kept| kept.body_rev == old.body_rev) {
            return None;
        }
        let what = match &old.body {
            BodyAt::Empty => return None,
            BodyAt::Inline => {
                // A reader has the old bytes in its snapshot.
                for key in rows::inline::keys(old.body_rev, old.size) {
                    txn.mutate(Mutation::Clear { key });
                }
                return None;
            }
            BodyAt::Blob { origin } => {
                let (bid, key) = origin.as_ref().map_or((self.bid, self.key), |(bid, key)| (*bid, key));
                Waste::Blob { bid, key: key.clone(), rev: old.body_rev }
            }
            BodyAt::Manifest => Waste::Manifest { bid: self.bid, key: self.key.clone(), rev: old.body_rev },
        };
        let reason = if kept.is_some() { Reason::Overwritten } else { Reason::Deleted };
        let grace = u64::try_from(self.store.settings.grace.as_millis()).unwrap_or(u64::MAX);
        let not_before_ms = self.store.clock.wall().saturating_add(grace);
        Some(Garbage { what, size: old.size, reason, not_before_ms })
    }

    fn count(&self, txn: &dyn Transaction, field: Field, delta: i64) {
        if delta != 0 {
            txn.mutate(Mutation::Add { key: rows::counter::key(self.bid, field), delta });
        }
    }
}

/// Sizes stay far below 2^63.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
