//! CompleteMultipartUpload.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use terrace_high_volume::{Mutation, Read, Transaction};

use crate::error::{Refusal, Result};
use crate::name::{BucketId, PartNumber, Revision};
use crate::object::{Checksum, ChecksumType, ETagMode, ObjectChecksum, WriteCondition};
use crate::ops::join;
use crate::ops::multipart::finish;
use crate::ops::multipart::upload_part::UploadRef;
use crate::ops::multipart::whole::{self, Given};
use crate::ops::object::Written;
use crate::ops::object::record::{Place, signed};
use crate::reclaim::queue;
use crate::rows;
use crate::rows::counter::Field;
use crate::rows::finished::{Completed, Finished};
use crate::rows::garbage::{Class, Garbage, Reason, Waste};
use crate::rows::head::{BodyAt, Head};
use crate::rows::manifest::Entry;
use crate::rows::part::PartRow;
use crate::rows::upload::UploadDoc;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work, first};

/// Largest object, in bytes.
const LARGEST_OBJECT: u64 = 5 << 40;

/// One part as the client lists it.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its ETag, with or without quotes.
    pub etag: String,
    /// Its checksum, where the client gives one.
    pub checksum: Option<Checksum>,
}

/// What a client wants put together.
pub struct CompleteUpload {
    /// Which upload.
    pub upload: UploadRef,
    /// Its parts in order.
    pub parts: Vec<CompletedPart>,
    /// On which condition of the key.
    pub condition: WriteCondition,
    /// `x-amz-mp-object-size`: bytes of the whole, where the client says it.
    pub size: Option<u64>,
    /// The checksum of the whole, where the client says it.
    pub whole: Given,
}

impl Store {
    /// Makes an object of the parts without copying a byte: one transaction. Repeated after success it answers the same for a day.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `InvalidPart`, `PartOrder`, `PartTooSmall`, `PreconditionFailed`, `EntityTooLarge`, `InvalidRequest`,
    /// `ChecksumAlgorithm`, `ChecksumMismatch`, `PartChecksumMissing`, `MalformedXml` (no part).
    pub async fn complete_upload(&self, request: CompleteUpload) -> Result<Written> {
        check_order(&request.parts)?;
        let store = self.clone();
        let task = self.tasks.operation("complete upload", async move {
            let revision = store.mint();
            let parts_hash = hash(&request.parts);
            let mut work = Complete { store: &store, request: &request, revision, parts_hash, queued: false };
            let written = store.write(Run::client("complete upload", revision), &mut work).await?;
            if work.queued {
                store.reclaim.wake();
            }
            Ok(written)
        });
        join(task, "complete upload").await
    }
}

fn check_order(parts: &[CompletedPart]) -> std::result::Result<(), Refusal> {
    if parts.is_empty() || parts.len() > usize::from(PartNumber::MAX) {
        return Err(Refusal::MalformedXml);
    }
    if parts.is_sorted_by(|a, b| a.number < b.number) { Ok(()) } else { Err(Refusal::PartOrder) }
}

/// Tells one list of parts from another.
fn hash(parts: &[CompletedPart]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.number.get().to_be_bytes());
        hash.update(bare(&part.etag).as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

/// An ETag without its quotes.
fn bare(etag: &str) -> &str {
    etag.trim().trim_matches('"')
}

/// The parts of the whole, each with where it ends and its checksum.
fn entries(chosen: &[&PartRow]) -> Vec<Entry> {
    let mut end_offset = 0;
    let entry = |part: &&PartRow| {
        end_offset += part.size;
        let checksum = part.checksum.as_ref().map(|checksum| checksum.value.clone());
        Entry { rev: part.rev, end_offset, at: part.at, checksum }
    };
    chosen.iter().map(entry).collect()
}

struct Complete<'s> {
    store: &'s Store,
    request: &'s CompleteUpload,
    revision: Revision,
    parts_hash: [u8; 32],
    queued: bool,
}

impl Work for Complete<'_> {
    type Output = Written;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Written>, Stop> {
        let UploadRef { bucket, key, upload } = &self.request.upload;
        let bid = self.store.bucket(txn, bucket).await?;
        let row = rows::upload::key(bid, key, *upload);
        // All at once, though one that is repeated needs the first alone.
        let ends = [row.clone(), rows::finished::key(*upload)];
        let found = async { Ok(txn.get_many(&ends, Read::Serializable).await?) };
        let place = Place::read(self.store, txn, bid, key);
        let (found, place, stored) = futures::try_join!(found, place, self.stored(txn))?;
        let [open, finished] = found.as_slice() else { unreachable!("two keys, two answers") };
        let Some(open) = open else {
            let finished = finished.as_ref().map(Finished::decode).transpose()?;
            return Ok(Step::Done(self.answer_again(bid, finished)?));
        };
        let doc = UploadDoc::decode(open)?;
        self.request.condition.check(place.etag())?;
        let chosen = self.choose(&stored)?;
        self.check_checksums(&doc, &chosen)?;
        let checksum = self.request.whole.checksum_of(&self.store.tasks, doc.checksum, &chosen).await?;
        let entries = entries(&chosen);
        let md5 = match self.store.settings.etag {
            ETagMode::Md5 => whole::md5_of(&chosen),
            ETagMode::Revision => None,
        };
        let head = self.head(&place, &doc, entries.last(), (checksum, md5));
        for (page, number) in rows::manifest::paginate(whole::common(&chosen), &entries).iter().zip(0_u16..) {
            let key = rows::manifest::key(self.revision, number);
            txn.mutate(Mutation::Set { key, value: page.encode() });
        }
        txn.mutate(Mutation::Clear { key: row });
        let (written, replaced) = place.set(txn, head);
        let waste: Vec<Garbage> = replaced.into_iter().chain(self.let_go(txn, bid, &stored)).collect();
        queue::put(txn, Class::Soon, &waste);
        self.queued = !waste.is_empty();
        finish(self.store, txn, *upload, &Finished::Completed(self.outcome(bid, &written, md5)));
        Ok(Step::Write(written))
    }
}

type Stored = BTreeMap<PartNumber, PartRow>;

impl Complete<'_> {
    /// What a repeated request gets: the same answer for the same list.
    fn answer_again(
        &self,
        bid: BucketId,
        finished: Option<Finished>,
    ) -> std::result::Result<Written, Refusal> {
        let Some(Finished::Completed(done)) = finished else { return Err(Refusal::NoSuchUpload) };
        if done.bid != bid || done.key != self.request.upload.key {
            return Err(Refusal::NoSuchUpload);
        }
        if done.parts_hash != self.parts_hash {
            let number = self.request.parts.first().map_or(1, |part| part.number.get());
            return Err(Refusal::InvalidPart { number });
        }
        self.request.whole.check_again(done.checksum.as_ref())?;
        Ok(Written {
            etag: done.etag(),
            modified_ms: done.modified_ms,
            size: done.size,
            checksum: done.checksum,
        })
    }

    fn outcome(&self, bid: BucketId, written: &Written, md5: Option<[u8; 16]>) -> Completed {
        Completed {
            bid,
            key: self.request.upload.key.clone(),
            rev: self.revision,
            parts: self.count(),
            size: written.size,
            modified_ms: written.modified_ms,
            parts_hash: self.parts_hash,
            checksum: written.checksum.clone(),
            md5,
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.request.parts.len()).unwrap_or(u32::MAX)
    }

    /// Every part of the upload. A part replaced between this and the commit makes the commit fail: its old body would be queued twice.
    async fn stored(&self, txn: &dyn Transaction) -> std::result::Result<Stored, Stop> {
        const AT_ONCE: usize = 1_000;
        let upload = self.request.upload.upload;
        let mut stored = Stored::new();
        let mut after = 0;
        loop {
            let page = first(txn, rows::part::after(upload, after), AT_ONCE, Read::Serializable).await?;
            for (row, value) in &page.rows {
                let (_, number) =
                    rows::part::parse(row).ok_or(rows::Damaged { family: rows::Family::Part })?;
                stored.insert(number, PartRow::decode(value)?);
                after = number.get();
            }
            if !page.more {
                return Ok(stored);
            }
        }
    }

    /// The listed parts in order.
    fn choose<'p>(&self, stored: &'p Stored) -> std::result::Result<Vec<&'p PartRow>, Refusal> {
        let mut chosen = Vec::with_capacity(self.request.parts.len());
        let (mut end, count) = (0_u64, self.request.parts.len());
        for (index, listed) in self.request.parts.iter().enumerate() {
            let number = listed.number.get();
            let part = stored.get(&listed.number).ok_or(Refusal::InvalidPart { number })?;
            let is_other_checksum = listed.checksum.is_some() && listed.checksum != part.checksum;
            if !part.etag().matches(bare(&listed.etag)) || is_other_checksum {
                return Err(Refusal::InvalidPart { number });
            }
            if part.size < self.store.settings.smallest_part && index + 1 < count {
                return Err(Refusal::PartTooSmall { number, size: part.size });
            }
            end += part.size;
            chosen.push(part);
        }
        if end > LARGEST_OBJECT {
            return Err(Refusal::EntityTooLarge);
        }
        if self.request.size.is_some_and(|size| size != end) {
            return Err(Refusal::InvalidRequest("the size of the parts is not the size given"));
        }
        Ok(chosen)
    }

    /// Where the checksum of the object is one over those of its parts, their numbers are 1, 2, 3 and so on (S3 API, `CompletedPart`:
    /// else `InvalidPartOrder`), and the client says the checksum of each if the upload named it (S3 API, `CompleteMultipartUpload`).
    fn check_checksums(&self, doc: &UploadDoc, chosen: &[&PartRow]) -> std::result::Result<(), Refusal> {
        let named = doc.checksum.filter(|choice| choice.kind == ChecksumType::Composite);
        let mut numbers = self.request.parts.iter().map(|part| part.number.get()).zip(1..);
        if (named.is_some() || self.request.whole.is_composite())
            && numbers.any(|(number, place)| number != place)
        {
            return Err(Refusal::PartOrder);
        }
        let Some(choice) = named else { return Ok(()) };
        // A part without one came before parts were held against their upload.
        let mut listed = self.request.parts.iter().zip(chosen);
        match listed.find(|(listed, part)| listed.checksum.is_none() && part.checksum.is_some()) {
            Some((listed, _)) => {
                Err(Refusal::PartChecksumMissing { number: listed.number.get(), algorithm: choice.algorithm })
            }
            None => Ok(()),
        }
    }

    fn head(
        &self,
        place: &Place<'_>,
        doc: &UploadDoc,
        last: Option<&Entry>,
        (checksum, md5): (Option<ObjectChecksum>, Option<[u8; 16]>),
    ) -> Head {
        Head {
            rev: self.revision,
            vseq: place.next_vseq(),
            body: BodyAt::Manifest,
            body_rev: self.revision,
            size: last.map_or(0, |entry| entry.end_offset),
            modified_ms: place.modified_now(),
            parts: self.count(),
            storage_class: doc.storage_class.clone(),
            checksum,
            md5,
            metadata: Some(doc.metadata.clone()),
        }
    }

    /// Clears the rows of the listed parts. The others are waste, whose expansion counts down their bytes.
    fn let_go(&self, txn: &dyn Transaction, bid: BucketId, stored: &Stored) -> Option<Garbage> {
        let UploadRef { key, upload, .. } = &self.request.upload;
        let listed = self.request.parts.iter().filter_map(|part| stored.get(&part.number));
        let bytes: i64 = listed.map(|part| signed(part.size)).sum();
        txn.mutate(Mutation::Add { key: rows::counter::key(bid, Field::UploadBytes), delta: -bytes });
        if stored.len() == self.request.parts.len() {
            txn.mutate(Mutation::ClearRange { range: rows::part::range(*upload) });
            return None;
        }
        for part in &self.request.parts {
            txn.mutate(Mutation::Clear { key: rows::part::key(*upload, part.number) });
        }
        let what = Waste::Upload { bid, key: key.clone(), upload: *upload };
        Some(Garbage { what, size: 0, reason: Reason::Unlisted, not_before_ms: self.store.clock.wall() })
    }
}
