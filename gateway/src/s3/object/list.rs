//! What both versions of ListObjects share, and ListObjectVersions with them.

use bytes::Bytes;
use s3s::dto::EncodingType;
use terrace_store::Refusal;
use terrace_store::name::BucketName;
use terrace_store::ops::object::{ListObjects, ListedObject, Listing};

use crate::s3::error::Result;
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::translate::{checksum, time};
use crate::s3::{ACCOUNT, MAX_PAGE, Service};

/// What a client wants listed, in the words of both versions.
pub(crate) struct Asked {
    pub(crate) bucket: BucketName,
    pub(crate) prefix: Option<String>,
    pub(crate) delimiter: Option<String>,
    pub(crate) after: Bytes,
    pub(crate) max_keys: Option<i32>,
    pub(crate) encoding: Option<EncodingType>,
}

/// A page, and what of the request its answer repeats.
pub(crate) struct Page {
    bucket: BucketName,
    prefix: Bytes,
    pub(crate) delimiter: Bytes,
    limit: usize,
    pub(crate) encoding: Encoding,
    pub(crate) listing: Listing,
    /// Behind what the next page begins.
    pub(crate) next: Option<Bytes>,
}

impl Asked {
    /// Lists a page.
    pub(crate) async fn page(self, service: &Service) -> Result<Page> {
        let limit = limit(self.max_keys)?;
        let encoding = encoding(self.encoding.as_ref())?;
        let prefix = Bytes::from(self.prefix.unwrap_or_default());
        let delimiter = Bytes::from(self.delimiter.unwrap_or_default());
        let request = ListObjects {
            bucket: self.bucket.clone(),
            prefix: prefix.clone(),
            delimiter: delimiter.clone(),
            after: self.after,
            limit,
        };
        let mut listing = service.store.list_objects(request).await?;
        // A page of nothing is never truncated: its client would ask for ever.
        let next = listing.next.take().filter(|_| limit > 0);
        Ok(Page { bucket: self.bucket, prefix, delimiter, limit, encoding, listing, next })
    }
}

/// `max-keys` and its like: what is above the longest page is that page, as S3 has it.
///
/// # Errors
/// `InvalidArgument` below zero.
pub(crate) fn limit(asked: Option<i32>) -> Result<usize> {
    let limit = usize::try_from(asked.unwrap_or(MAX_PAGE).min(MAX_PAGE));
    Ok(limit.map_err(|_| Refusal::InvalidArgument("Argument must be an integer between 0 and 2147483647"))?)
}

/// `encoding-type`.
///
/// # Errors
/// `InvalidArgument` for what is not `url`.
pub(crate) fn encoding(asked: Option<&EncodingType>) -> Result<Encoding> {
    match asked.map(EncodingType::as_str) {
        None | Some("") => Ok(Encoding::Plain),
        Some("url") => Ok(Encoding::Url),
        Some(_) => Err(Refusal::InvalidArgument("Invalid Encoding Method specified in Request").into()),
    }
}

impl Page {
    /// A document with all but what the versions of ListObjects have of their own.
    pub(crate) fn document(&self, own: impl FnOnce(&mut Document), owners: bool) -> Bytes {
        self.written("ListBucketResult", own, |document, object| {
            document.nested("Contents", |d| self.object(d, object, owners));
        })
    }

    /// A document of ListObjectVersions: each object is its only version, `null`, as in a bucket of S3 that never had versioning.
    pub(crate) fn versions(&self, own: impl FnOnce(&mut Document)) -> Bytes {
        self.written("ListVersionsResult", own, |document, object| {
            document.nested("Version", |d| {
                d.plain("VersionId", b"null");
                d.boolean("IsLatest", true);
                self.object(d, object, true);
            });
        })
    }

    fn written(
        &self,
        root: &'static str,
        own: impl FnOnce(&mut Document),
        entry: impl Fn(&mut Document, &ListedObject),
    ) -> Bytes {
        let entries = self.listing.objects.len() + self.listing.prefixes.len();
        let mut document = Document::new(root, 512 + entries * 384);
        document.text("Name", self.bucket.as_str());
        document.key("Prefix", &self.prefix, self.encoding);
        own(&mut document);
        document.number("MaxKeys", self.limit as u64);
        if !self.delimiter.is_empty() {
            document.key("Delimiter", &self.delimiter, self.encoding);
        }
        if self.encoding == Encoding::Url {
            document.plain("EncodingType", b"url");
        }
        document.boolean("IsTruncated", self.next.is_some());
        for object in &self.listing.objects {
            entry(&mut document, object);
        }
        for prefix in &self.listing.prefixes {
            document.nested("CommonPrefixes", |d| d.key("Prefix", prefix, self.encoding));
        }
        document.finish()
    }

    fn object(&self, document: &mut Document, object: &ListedObject, owners: bool) {
        document.key("Key", &object.key, self.encoding);
        document.plain("LastModified", &time::iso(object.modified_ms));
        document.etag(object.etag);
        if let Some(value) = &object.checksum {
            document.plain("ChecksumAlgorithm", checksum::name(value.checksum.algorithm).as_bytes());
            document.plain("ChecksumType", checksum::type_name(value.kind()).as_bytes());
        }
        document.number("Size", object.size);
        if owners {
            owner(document, "Owner");
        }
        document.text("StorageClass", object.storage_class.as_deref().unwrap_or("STANDARD"));
    }
}

/// The one account, as an `Owner` or `Initiator`.
pub(crate) fn owner(document: &mut Document, name: &'static str) {
    document.nested(name, |d| {
        d.plain("ID", ACCOUNT.as_bytes());
        d.plain("DisplayName", ACCOUNT.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_at_most_a_thousand_entries() {
        for (asked, entries) in [(None, 1_000), (Some(0), 0), (Some(7), 7), (Some(i32::MAX), 1_000)] {
            assert_eq!(limit(asked).unwrap(), entries);
        }
        assert!(limit(Some(-1)).is_err());
    }

    #[test]
    fn keys_are_encoded_only_when_asked() {
        assert_eq!(encoding(None).unwrap(), Encoding::Plain);
        assert_eq!(encoding(Some(&EncodingType::from_static("url"))).unwrap(), Encoding::Url);
        assert!(encoding(Some(&EncodingType::from_static("base64"))).is_err());
    }
}
