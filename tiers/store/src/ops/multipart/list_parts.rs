//! ListParts.
use crate::error::Result;
use crate::name::PartNumber;
use crate::object::{Algorithm, Checksum, ETag};
use crate::ops::multipart::upload_part::UploadRef;
use crate::store::Store;

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
    /// `x-amz-checksum-algorithm` of the upload.
    pub algorithm: Option<Algorithm>,
    /// Storage class of the upload, if it is not STANDARD.
    pub storage_class: Option<String>,
}

impl Store {
    /// At most `limit` (0 to 1,000) parts of an open upload behind number `after`.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn list_parts(&self, upload: &UploadRef, after: u16, limit: usize) -> Result<PartListing> {
        unimplemented!()
    }
}
