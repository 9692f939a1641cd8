//! ListObjects, versions 1 and 2.
use bytes::Bytes;
use terrace_high_volume::{Key, Read, Transaction, after};

use crate::error::Result;
use crate::name::{BucketId, BucketName};
use crate::object::{ETag, ObjectChecksum};
use crate::ops::skip_scan::{Named, Scan, Snapshot};
use crate::rows::head::Head;
use crate::rows::{self, Damaged, Family};
use crate::store::Store;
use crate::transact::{Reading, Stop};

/// What a client wants listed.
#[derive(Clone, Debug)]
pub struct ListObjects {
    /// Where.
    pub bucket: BucketName,
    /// Only keys that begin with it.
    pub prefix: Bytes,
    /// Fold keys that have it behind the prefix into common prefixes; empty = do not fold.
    pub delimiter: Bytes,
    /// Only keys behind it (exclusive); empty = from the start. A common prefix (v1 marker, v2 token) skips all keys folded into it.
    pub after: Bytes,
    /// Most entries, keys and common prefixes together, 0 to 1,000.
    pub limit: usize,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: Bytes,
    /// Its ETag.
    pub etag: ETag,
    /// Bytes of its body.
    pub size: u64,
    /// Its Last-Modified, milliseconds since the epoch.
    pub modified_ms: u64,
    /// Its storage class, if it is not STANDARD.
    pub storage_class: Option<String>,
    /// Its checksum.
    pub checksum: Option<ObjectChecksum>,
}

/// A page of a listing. Keys and common prefixes are each in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Objects.
    pub objects: Vec<ListedObject>,
    /// Common prefixes, ending with the delimiter.
    pub prefixes: Vec<Bytes>,
    /// Give this as `after` for the next page; `None` at the end. The last key or common prefix of this page.
    pub next: Option<Bytes>,
}

/// Rows of objects, as a listing reads them.
pub(crate) struct Objects;

impl Named for Objects {
    const FAMILY: Family = Family::Object;
    type Item = ListedObject;

    fn from(bucket: BucketId, key: &[u8]) -> Key {
        rows::object::from(bucket, key)
    }

    fn behind(bucket: BucketId, key: &[u8]) -> Key {
        after(&rows::object::from(bucket, key))
    }

    fn name(row: &Key) -> Option<Bytes> {
        rows::object::name(row)
    }

    fn item(key: Bytes, _row: &Key, value: &Bytes) -> std::result::Result<ListedObject, Damaged> {
        let head = Head::decode_listed(value)?;
        Ok(ListedObject {
            key,
            etag: head.etag,
            size: head.size,
            modified_ms: head.modified_ms,
            storage_class: head.storage_class,
            checksum: head.checksum,
        })
    }
}

impl Store {
    /// A page of the keys of a bucket, at its own read version. One read; with a delimiter about one read for each common prefix, and
    /// what is folded into it is not read.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn list_objects(&self, request: ListObjects) -> Result<Listing> {
        if request.limit == 0 {
            self.expect_bucket(&request.bucket).await?;
            return Ok(Listing::default());
        }
        self.read("list objects", &mut List { store: self, request: &request }).await
    }
}

struct List<'s> {
    store: &'s Store,
    request: &'s ListObjects,
}

impl Reading for List<'_> {
    type Output = Listing;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Listing, Stop> {
        let ListObjects { bucket, prefix, delimiter, after, limit } = self.request;
        let bucket = self.store.bucket_row(txn, bucket, Read::Snapshot).await?.bid;
        let scan = Scan { bucket, prefix, delimiter, limit: *limit };
        let page = scan.page::<Objects, _>(&Snapshot(txn), scan.behind::<Objects>(after)).await?;
        let last = page.items.last().map(|object| &object.key).max(page.prefixes.last());
        let next = last.filter(|_| page.more).cloned();
        Ok(Listing { objects: page.items, prefixes: page.prefixes, next })
    }
}
