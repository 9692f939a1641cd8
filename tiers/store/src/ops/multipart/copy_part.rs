//! UploadPartCopy.

use std::sync::Arc;

use crate::error::{Error, Refusal, Result};
use crate::name::PartNumber;
use crate::object::RangeRequest;
use crate::ops::multipart::upload_part::{UploadPart, UploadRef};
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
    /// Stores bytes of an object as a part: a read of the source, then what UploadPart costs. The source is pinned meanwhile.
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
        let read = match self.get_object(GetObject { bucket, key, selection, condition }).await {
            // A range that a GET would cut, or answer with 416, is an argument error here (S3 API, UploadPartCopy).
            Err(Error::Refused(Refusal::RangeUnsatisfiable { .. })) => return Err(outside.into()),
            read => read?,
        };
        if range.is_some_and(|(_, last)| last >= read.info.size) {
            return Err(outside.into());
        }
        let length = read.part.as_ref().map_or(read.info.size, |part| part.range.end - part.range.start);
        if length > LARGEST {
            return Err(Refusal::EntityTooLarge.into());
        }
        let body = Body { stream: read.body, length: Some(length), checksum: Arc::default() };
        self.upload_part(UploadPart { upload, number, body }).await.map_err(|error| self.source_broke(error))
    }
}
