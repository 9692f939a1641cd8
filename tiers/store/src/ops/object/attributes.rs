//! GetObjectAttributes.
use crate::error::Result;
use crate::name::{BucketName, ObjectKey};
use crate::object::Checksum;
use crate::ops::object::get::ObjectInfo;
use crate::store::Store;

/// One part of a completed multipart object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// Its number, counted from 1 without gaps.
    pub number: u32,
    /// Its bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Option<Checksum>,
}

/// What GetObjectAttributes tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectAttributes {
    /// What is known of the object.
    pub info: ObjectInfo,
    /// Parts of the object in all; `None`: not a multipart object.
    pub parts_count: Option<u32>,
    /// A page of its parts.
    pub parts: Vec<PartInfo>,
    /// Whether parts follow behind the page.
    pub more: bool,
}

impl Store {
    /// What is known of an object, with at most `max_parts` (0 to 1,000) of its parts behind number `after`.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`.
    pub async fn object_attributes(
        &self,
        bucket: &BucketName,
        key: &ObjectKey,
        after: u32,
        max_parts: usize,
    ) -> Result<ObjectAttributes> {
        unimplemented!()
    }
}
