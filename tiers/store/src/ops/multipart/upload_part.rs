//! UploadPart.

use terrace_high_volume::{Mutation, Read, Transaction};
use terrace_runtime::planted::{Bug, is_planted};

use crate::digest::Sums;
use crate::error::{Refusal, Result};
use crate::name::{BucketName, ObjectKey, PartNumber, Revision, UploadId};
use crate::object::{Algorithm, ChecksumType};
use crate::ops::join;
use crate::ops::object::put::Received;
use crate::ops::object::record::{NewBody, signed};
use crate::ops::object::{Body, Written};
use crate::reclaim::{queue, waste_of_part};
use crate::rows;
use crate::rows::counter::Field;
use crate::rows::garbage::{Class, Reason};
use crate::rows::part::{PartAt, PartRow};
use crate::rows::ticket::Kind;
use crate::rows::upload::UploadDoc;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

/// Names an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// Its id.
    pub upload: UploadId,
}

/// A part being received.
pub struct UploadPart {
    /// Of which upload.
    pub upload: UploadRef,
    /// Its number.
    pub number: PartNumber,
    /// Its bytes.
    pub body: Body,
}

impl Store {
    /// Stores a part, in place of one of the same number. Costs what PutObject costs.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `EntityTooLarge`, `ChecksumAlgorithm`; the body's own.
    pub async fn upload_part(&self, request: UploadPart) -> Result<Written> {
        self.put_part(request, None).await
    }

    /// [`Store::upload_part`] of a body whose client sends no checksum: the one is computed that its upload needs to have one over all
    /// bytes, that is CRC-64/NVME where the upload names none (S3 user guide, "Checking object integrity for data uploads"). Costs one
    /// read more.
    ///
    /// # Errors
    /// As for [`Store::upload_part`]; `ChecksumAlgorithm` and `NoSuchUpload` before the body is read.
    pub async fn upload_part_unsummed(&self, request: UploadPart) -> Result<Written> {
        let algorithm = match self.list_parts(&request.upload, 0, 0).await?.checksum {
            None => Algorithm::Crc64Nvme,
            Some(choice) if choice.kind == ChecksumType::FullObject => choice.algorithm,
            Some(choice) => {
                return Err(Refusal::ChecksumAlgorithm { expected: choice.algorithm, sent: None }.into());
            }
        };
        self.put_part(request, Some(algorithm)).await
    }

    /// [`Store::upload_part`] with a checksum that nobody sent.
    pub(crate) async fn put_part(&self, request: UploadPart, computed: Option<Algorithm>) -> Result<Written> {
        let UploadPart { upload, number, body } = request;
        self.expect_bucket(&upload.bucket).await?;
        let revision = if is_planted(Bug::UploadRevisionReused) {
            revision_for_ever(upload.upload, number)
        } else {
            self.mint()
        };
        let place = (&upload.bucket, &upload.key, revision);
        let Received { body, digests } = self.receive(Kind::Part, place, body, computed).await?;
        let store = self.clone();
        let task = self.tasks.operation("upload part", async move {
            let run = Run::client("upload part", body.revision());
            let mut work =
                PutPart { store: &store, upload: &upload, number, body: &body, digests, queued: false };
            let written = store.write(run, &mut work).await?;
            if work.queued {
                store.reclaim.wake();
            }
            body.won();
            Ok(written)
        });
        join(task, "upload part").await
    }
}

/// The revision that each attempt at a part has under [`Bug::UploadRevisionReused`].
fn revision_for_ever(UploadId(Revision(mut bytes)): UploadId, number: PartNumber) -> Revision {
    let [.., high, low] = &mut bytes;
    let [more, less] = number.get().to_be_bytes();
    (*high, *low) = (*high ^ more, *low ^ less ^ 0x80);
    Revision(bytes)
}

struct PutPart<'s> {
    store: &'s Store,
    upload: &'s UploadRef,
    number: PartNumber,
    body: &'s NewBody,
    digests: Sums,
    queued: bool,
}

impl Work for PutPart<'_> {
    type Output = Written;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<Written>, Stop> {
        let UploadRef { bucket, key, upload } = self.upload;
        let bid = self.store.bucket(txn, bucket).await?;
        let row = rows::part::key(*upload, self.number);
        let here = [rows::upload::key(bid, key, *upload), row.clone()];
        let found = async { Ok(txn.get_many(&here, Read::Serializable).await?) };
        let (found, ()) = futures::try_join!(found, self.body.place(txn, bid))?;
        let [open, old] = found.as_slice() else { unreachable!("two keys, two answers") };
        let Some(open) = open else { return Err(Refusal::NoSuchUpload.into()) };
        self.check_algorithm(&UploadDoc::decode(open)?)?;
        let old = old.as_ref().map(PartRow::decode).transpose()?;
        let part = PartRow {
            rev: self.body.revision(),
            size: self.body.size(),
            modified_ms: self.store.clock.wall(),
            checksum: self.digests.checksum.clone(),
            md5: self.digests.md5,
            at: match self.body {
                NewBody::Empty { .. } => PartAt::Empty,
                NewBody::Inline { .. } => PartAt::Inline,
                NewBody::Blob { .. } => PartAt::Blob,
            },
        };
        let now = self.store.clock.wall();
        let waste =
            old.as_ref().and_then(|old| waste_of_part(txn, (bid, key), old, (Reason::Overwritten, now)));
        queue::put(txn, Class::Soon, waste.as_slice());
        self.queued = waste.is_some();
        let delta = signed(part.size) - old.map_or(0, |old| signed(old.size));
        txn.mutate(Mutation::Add { key: rows::counter::key(bid, Field::UploadBytes), delta });
        txn.mutate(Mutation::Set { key: row, value: part.encode() });
        Ok(Step::Write(Written {
            etag: part.etag(),
            modified_ms: part.modified_ms,
            size: part.size,
            checksum: part.checksum.map(Into::into),
        }))
    }
}

impl PutPart<'_> {
    /// An upload that names an algorithm takes no other; one whose checksum is over those of its parts needs each.
    fn check_algorithm(&self, doc: &UploadDoc) -> std::result::Result<(), Refusal> {
        let Some(choice) = doc.checksum else { return Ok(()) };
        let sent = self.digests.checksum.as_ref().map(|checksum| checksum.algorithm);
        match sent {
            Some(algorithm) if algorithm == choice.algorithm => Ok(()),
            None if choice.kind == ChecksumType::FullObject => Ok(()),
            _ => Err(Refusal::ChecksumAlgorithm { expected: choice.algorithm, sent }),
        }
    }
}
