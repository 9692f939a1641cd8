//! GetObject.
use std::ops::Range;

use crate::error::Result;
use crate::name::{BucketName, ObjectKey, PartNumber};
use crate::object::{Checksum, ETag, Metadata, RangeRequest, ReadCondition};
use crate::store::Store;
use terrace_long_term::BlobBody;

/// Which bytes of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All.
    #[default]
    Whole,
    /// A range.
    Range(RangeRequest),
    /// One part of a multipart object; part 1 of any other is the whole.
    Part(PartNumber),
}

/// What a client wants to read.
pub struct GetObject {
    /// Where.
    pub bucket: BucketName,
    /// Which key.
    pub key: ObjectKey,
    /// Which bytes.
    pub selection: Selection,
    /// On which condition.
    pub condition: ReadCondition,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its ETag.
    pub etag: ETag,
    /// Its Last-Modified, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Bytes of the whole body.
    pub size: u64,
    /// What was said of it.
    pub metadata: Metadata,
    /// Checksum of the whole body.
    pub checksum: Option<Checksum>,
}

/// Which bytes an answer holds, where they were selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes, end exclusive. Empty only for part 1 of an empty object.
    pub range: Range<u64>,
    /// Parts of the object, when a part was asked for (`x-amz-mp-parts-count`).
    pub parts_count: Option<u32>,
}

/// An object being read.
pub struct ObjectRead {
    /// What is known of it.
    pub info: ObjectInfo,
    /// `None`: the whole body, answered 200; else answered 206.
    pub part: Option<Part>,
    /// Exactly those bytes, or an error.
    pub body: BlobBody,
}

impl Store {
    /// Reads an object: one record read, then the body in the same snapshot or from the long-term tier.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NotModified`, `PreconditionFailed`, `RangeUnsatisfiable`, `InvalidArgument` (no such part).
    pub async fn get_object(&self, request: GetObject) -> Result<ObjectRead> {
        unimplemented!()
    }
}
