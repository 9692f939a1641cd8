//! GetObjectAttributes.

use terrace_high_volume::{Key, Read, Transaction};

use crate::error::Result;
use crate::name::{BucketName, ObjectKey, Revision};
use crate::object::{Checksum, ReadCondition};
use crate::ops::object::get::{GetObject, Look, ObjectInfo, Seen, Selection};
use crate::ops::skip_scan::PAGE;
use crate::rows::manifest::{self, Page};
use crate::rows::{Damaged, Family};
use crate::store::Store;
use crate::transact::{Reading, Stop};

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
    /// What is known of an object, with at most `max_parts` (0 to 1,000) of its parts behind number `after`. The record and at most two
    /// pages of its manifest, at one version.
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
        let (bucket, key) = (bucket.clone(), key.clone());
        let condition = ReadCondition::default();
        let request = GetObject { bucket, key, selection: Selection::Whole, condition };
        let look = Look { store: self, request: &request, with_body: false, upload: None };
        self.read("get object attributes", &mut Attributes { look, after, limit: max_parts.min(PAGE) }).await
    }
}

struct Attributes<'s> {
    look: Look<'s>,
    after: u32,
    limit: usize,
}

impl Reading for Attributes<'_> {
    type Output = ObjectAttributes;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<ObjectAttributes, Stop> {
        let Seen { info, body, .. } = self.look.attempt(txn).await?;
        let Some(count) = body.parts else {
            return Ok(ObjectAttributes { info, parts_count: None, parts: Vec::new(), more: false });
        };
        let wanted = Wanted::of(body.rev, count, self.after, self.limit);
        let pages = txn.get_many(&wanted.rows(), Read::Snapshot).await?;
        let pages =
            pages.into_iter().collect::<Option<Vec<_>>>().ok_or(Damaged { family: Family::Manifest })?;
        let pages = pages.iter().map(Page::decode).collect::<std::result::Result<Vec<_>, _>>()?;
        let parts = wanted.parts(&pages)?;
        let more = self.limit > 0 && wanted.end < count;
        Ok(ObjectAttributes { parts_count: body.parts, info, parts, more })
    }
}

/// Parts `begin + 1` to `end` of a body, counted from 1.
struct Wanted {
    body: Revision,
    count: u32,
    begin: u32,
    end: u32,
}

impl Wanted {
    fn of(body: Revision, count: u32, after: u32, limit: usize) -> Self {
        let begin = after.min(count);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Self { body, count, begin, end: begin.saturating_add(limit).min(count) }
    }

    fn first_page(&self) -> usize {
        self.begin.min(self.count.saturating_sub(1)) as usize / manifest::PAGE
    }

    /// Pages of the manifest that hold the parts.
    fn rows(&self) -> Vec<Key> {
        let pages = (self.end as usize).div_ceil(manifest::PAGE).max(self.first_page() + 1);
        let mut rows = manifest::keys(self.body, self.count);
        rows.truncate(pages);
        rows.split_off(self.first_page())
    }

    fn parts(&self, pages: &[Page]) -> std::result::Result<Vec<PartInfo>, Damaged> {
        let numbered = (self.first_page() * manifest::PAGE + 1..).map(|number| number as u32);
        let spans = pages.iter().flat_map(|page| page.spans().map(move |span| (page, span)));
        let parts: Vec<_> = numbered
            .zip(spans)
            .filter(|(number, _)| (self.begin + 1..=self.end).contains(number))
            .map(|(number, (page, (span, entry)))| PartInfo {
                number,
                size: span.end - span.start,
                checksum: page.checksum(entry),
            })
            .collect();
        let all = parts.len() == (self.end - self.begin) as usize;
        all.then_some(parts).ok_or(Damaged { family: Family::Manifest })
    }
}
