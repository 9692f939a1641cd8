//! UploadPartCopy.

use std::sync::OnceLock;

use crate::error::{Error, Refusal, Result};
use crate::name::PartNumber;
use crate::object::{ChecksumSlot, ObjectChecksum, RangeRequest};
use crate::ops::multipart::upload_part::{UploadPart, UploadRef};
use crate::ops::object::get::Opened;
use crate::ops::object::put::LARGEST;
use crate::ops::object::{Body, CopySource, GetObject, Selection, Written};
use crate::store::Store;

/// A part that comes from an object.
pub struct CopyPart {
    /// Of which upload.
    pub upload: UploadRef,
    /// Its number.
    pub number: PartNumber,
    /// From which object.
    pub source: CopySource,
    /// Which bytes of it, first and last inclusive; they must lie within the object.
    pub range: Option<(u64, u64)>,
}

impl Store {
    /// Stores bytes of an object as a part: a read of the source and of the upload in one transaction, then what UploadPart costs. The
    /// source is pinned meanwhile. The part has the checksum that the upload names.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchUpload`, `PreconditionFailed`, `InvalidArgument` (range beyond the source), `EntityTooLarge`
    /// (above 5 GiB).
    pub async fn copy_part(&self, request: CopyPart) -> Result<Written> {
        let CopyPart { upload, number, source, range } = request;
        let selection = range.map_or(Selection::Whole, |(first, last)| {
            Selection::Range(RangeRequest::From { first, last: Some(last) })
        });
        let CopySource { bucket, key, condition } = source;
        let outside = Refusal::InvalidArgument("the copy range does not lie within the source");
        let request = GetObject { bucket, key, selection, condition };
        let Opened { read, md5, upload: doc } = match self.open_object(request, Some(&upload)).await {
            // A range that a GET would cut, or answer with 416, is an argument error here (S3 API, UploadPartCopy).
            Err(Error::Refused(Refusal::RangeUnsatisfiable { .. })) => return Err(outside.into()),
            opened => opened?,
        };
        if range.is_some_and(|(_, last)| last >= read.info.size) {
            return Err(outside.into());
        }
        let length = read.part.as_ref().map_or(read.info.size, |part| part.range.end - part.range.start);
        if length > LARGEST {
            return Err(Refusal::EntityTooLarge.into());
        }
        let is_whole = length == read.info.size;
        let algorithm = doc.and_then(|doc| doc.checksum).map(|choice| choice.algorithm);
        let known = read.info.checksum.as_ref().and_then(ObjectChecksum::of_all_bytes);
        let known = known.filter(|known| is_whole && Some(known.algorithm) == algorithm).cloned();
        let computed = algorithm.filter(|_| known.is_none());
        let checksum = ChecksumSlot::new(known.map_or_else(OnceLock::new, OnceLock::from));
        let md5 = md5.filter(|_| is_whole);
        let body = Body { stream: read.body, length: Some(length), checksum, md5 };
        let part = UploadPart { upload, number, body };
        self.put_part(part, computed).await.map_err(|error| self.source_broke(error))
    }
}
