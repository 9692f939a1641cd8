//! ListMultipartUploads.
use bytes::Bytes;

use crate::error::Result;
use crate::name::{BucketName, UploadId};
use crate::object::Algorithm;
use crate::store::Store;

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
    /// Its `x-amz-checksum-algorithm`.
    pub algorithm: Option<Algorithm>,
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

impl Store {
    /// A page of the open uploads of a bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn list_uploads(&self, request: ListUploads) -> Result<UploadListing> {
        unimplemented!()
    }
}
