//! ListMultipartUploads.
use bytes::Bytes;
use terrace_high_volume::{Key, Read, Transaction};

use crate::error::Result;
use crate::name::{BucketId, BucketName, UploadId};
use crate::object::ChecksumChoice;
use crate::ops::skip_scan::{Named, Scan, Snapshot};
use crate::rows::upload::UploadDoc;
use crate::rows::{self, Damaged, Family};
use crate::store::Store;
use crate::transact::{Reading, Stop};

/// What a client wants listed.
#[derive(Clone, Debug)]
pub struct ListUploads {
    /// Where.
    pub bucket: BucketName,
    /// Only keys that begin with it.
    pub prefix: Bytes,
    /// Fold keys; empty = do not fold.
    pub delimiter: Bytes,
    /// Only keys behind it; with `upload_marker` also uploads of this very key behind that id.
    pub key_marker: Bytes,
    /// See `key_marker`.
    pub upload_marker: Option<UploadId>,
    /// Most entries, uploads and common prefixes together, 0 to 1,000.
    pub limit: usize,
}

/// One open upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUpload {
    /// Its key.
    pub key: Bytes,
    /// Its id.
    pub upload: UploadId,
    /// When it was opened, milliseconds since the epoch.
    pub initiated_ms: u64,
    /// Its storage class, if it is not STANDARD.
    pub storage_class: Option<String>,
    /// Which checksum its object is to have.
    pub checksum: Option<ChecksumChoice>,
}

/// A page of open uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadListing {
    /// Uploads by key, then by when they were opened.
    pub uploads: Vec<ListedUpload>,
    /// Common prefixes.
    pub prefixes: Vec<Bytes>,
    /// Key marker and upload marker of the next page; `None` at the end.
    pub next: Option<(Bytes, Option<UploadId>)>,
}

/// Rows of open uploads, as a listing reads them.
pub(crate) struct Uploads;

impl Named for Uploads {
    const FAMILY: Family = Family::Upload;
    type Item = ListedUpload;

    fn from(bucket: BucketId, key: &[u8]) -> Key {
        rows::upload::from(bucket, key)
    }

    fn behind(bucket: BucketId, key: &[u8]) -> Key {
        rows::upload::behind(bucket, key)
    }

    fn name(row: &Key) -> Option<Bytes> {
        rows::upload::parse(row).map(|(key, _)| key)
    }

    fn item(key: Bytes, row: &Key, value: &Bytes) -> std::result::Result<ListedUpload, Damaged> {
        let (_, upload) = rows::upload::parse(row).ok_or(Damaged { family: Family::Upload })?;
        let UploadDoc { initiated_ms, storage_class, checksum, .. } = UploadDoc::decode(value)?;
        Ok(ListedUpload { key, upload, initiated_ms, storage_class, checksum })
    }
}

impl Store {
    /// A page of the open uploads of a bucket, at its own read version.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn list_uploads(&self, request: ListUploads) -> Result<UploadListing> {
        if request.limit == 0 {
            self.expect_bucket(&request.bucket).await?;
            return Ok(UploadListing::default());
        }
        self.read("list uploads", &mut List { store: self, request: &request }).await
    }
}

struct List<'s> {
    store: &'s Store,
    request: &'s ListUploads,
}

impl Reading for List<'_> {
    type Output = UploadListing;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<UploadListing, Stop> {
        let ListUploads { bucket, prefix, delimiter, key_marker, upload_marker, limit } = self.request;
        let bucket = self.store.bucket_row(txn, bucket, Read::Snapshot).await?.bid;
        let scan = Scan { bucket, prefix, delimiter, limit: *limit };
        let begin = match upload_marker {
            // An id alone names no place in the listing (S3 API, `upload-id-marker`).
            Some(upload) if !key_marker.is_empty() => {
                rows::upload::behind_upload(bucket, key_marker, *upload)
            }
            _ => scan.behind::<Uploads>(key_marker),
        };
        let page = scan.page::<Uploads, _>(&Snapshot(txn), begin).await?;
        let upload = page.items.last().map(|last| (&last.key, Some(last.upload)));
        let last = upload.max(page.prefixes.last().map(|common| (common, None)));
        let next = last.filter(|_| page.more).map(|(key, upload)| (key.clone(), upload));
        Ok(UploadListing { uploads: page.items, prefixes: page.prefixes, next })
    }
}
