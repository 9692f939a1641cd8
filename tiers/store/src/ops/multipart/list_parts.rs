//! ListParts.

use bytes::Bytes;
use terrace_high_volume::{Key, Read, Transaction};

use crate::error::{Refusal, Result};
use crate::name::PartNumber;
use crate::object::{Checksum, ChecksumChoice, ETag};
use crate::ops::multipart::upload_part::UploadRef;
use crate::ops::skip_scan::PAGE;
use crate::rows::part::PartRow;
use crate::rows::upload::UploadDoc;
use crate::rows::{self, Damaged, Family};
use crate::store::Store;
use crate::transact::{Reading, Stop, first, get};

/// One part of an open upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its ETag.
    pub etag: ETag,
    /// Its bytes.
    pub size: u64,
    /// When it was written, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// A page of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartListing {
    /// Parts in the order of their numbers.
    pub parts: Vec<ListedPart>,
    /// Whether parts follow.
    pub more: bool,
    /// Which checksum the object is to have.
    pub checksum: Option<ChecksumChoice>,
    /// Storage class of the upload, if it is not STANDARD.
    pub storage_class: Option<String>,
}

impl Store {
    /// At most `limit` (0 to 1,000) parts of an open upload behind number `after`. Two reads in parallel, at one version.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn list_parts(&self, upload: &UploadRef, after: u16, limit: usize) -> Result<PartListing> {
        self.read("list parts", &mut List { store: self, upload, after, limit: limit.min(PAGE) }).await
    }
}

struct List<'s> {
    store: &'s Store,
    upload: &'s UploadRef,
    after: u16,
    limit: usize,
}

impl Reading for List<'_> {
    type Output = PartListing;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<PartListing, Stop> {
        let UploadRef { bucket, key, upload } = self.upload;
        let bid = self.store.bucket_row(txn, bucket, Read::Snapshot).await?.bid;
        let row = rows::upload::key(bid, key, *upload);
        let behind = rows::part::after(*upload, self.after);
        // One more than is wanted tells whether parts follow; a read of no row is not allowed.
        let parts = first(txn, behind, self.limit + 1, Read::Snapshot);
        let (open, parts) = futures::try_join!(get(txn, &row, Read::Snapshot), parts)?;
        let doc = UploadDoc::decode(&open.ok_or(Refusal::NoSuchUpload)?)?;
        let wanted = parts.rows.iter().take(self.limit);
        Ok(PartListing {
            parts: wanted.map(|(row, value)| listed(row, value)).collect::<std::result::Result<_, _>>()?,
            more: self.limit > 0 && parts.rows.len() > self.limit,
            checksum: doc.checksum,
            storage_class: doc.storage_class,
        })
    }
}

fn listed(row: &Key, value: &Bytes) -> std::result::Result<ListedPart, Damaged> {
    let (_, number) = rows::part::parse(row).ok_or(Damaged { family: Family::Part })?;
    let part = PartRow::decode(value)?;
    let (etag, size, modified_ms) = (part.etag(), part.size, part.modified_ms);
    Ok(ListedPart { number, etag, size, modified_ms, checksum: part.checksum })
}
