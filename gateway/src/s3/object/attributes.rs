//! GetObjectAttributes.

use http::header::LAST_MODIFIED;
use http::{HeaderMap, HeaderName};
use s3s::dto::{GetObjectAttributesInput, GetObjectAttributesOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;
use terrace_store::name::ObjectKey;
use terrace_store::object::{Checksum, StandardHeader};
use terrace_store::ops::object::ObjectAttributes;

use super::no_version;
use crate::s3::error::Result;
use crate::s3::translate::xml::Document;
use crate::s3::translate::{checksum, text, time};
use crate::s3::{MAX_PAGE, Service, front};

const ATTRIBUTES: HeaderName = HeaderName::from_static("x-amz-object-attributes");

/// What a client wants to know.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    etag: bool,
    checksum: bool,
    parts: bool,
    storage_class: bool,
    size: bool,
}

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetObjectAttributesInput>,
) -> Result<S3Response<GetObjectAttributesOutput>> {
    let wanted = wanted(&request.headers)?;
    let input = request.input;
    no_version(input.version_id.as_deref())?;
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
    let key = ObjectKey::new(input.key)?;
    let refused = Refusal::InvalidArgument("part-number-marker and max-parts must not be negative");
    let after = u32::try_from(input.part_number_marker.unwrap_or(0)).map_err(|_| refused.clone())?;
    let limit = usize::try_from(input.max_parts.unwrap_or(MAX_PAGE).min(MAX_PAGE)).map_err(|_| refused)?;
    let found = service.store.object_attributes(&bucket, &key, after, limit).await?;
    let last_modified = time::http_date(found.info.modified_ms);
    let mut response = front::document(show(&wanted, &found, after, limit));
    response.headers.insert(LAST_MODIFIED, last_modified);
    Ok(response)
}

/// Reads the header itself: s3s takes a list with spaces or commas for one attribute.
fn wanted(headers: &HeaderMap) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let list = text(headers, &ATTRIBUTES)?.unwrap_or_default();
    for name in list.split(',').map(str::trim) {
        match name {
            "ETag" => wanted.etag = true,
            "Checksum" => wanted.checksum = true,
            "ObjectParts" => wanted.parts = true,
            "StorageClass" => wanted.storage_class = true,
            "ObjectSize" => wanted.size = true,
            _ => return Err(Refusal::InvalidArgument("Invalid attribute name specified.").into()),
        }
    }
    Ok(wanted)
}

fn show(wanted: &Wanted, found: &ObjectAttributes, after: u32, limit: usize) -> bytes::Bytes {
    let info = &found.info;
    let mut document = Document::new("GetObjectAttributesResponse", 256 + found.parts.len() * 128);
    if wanted.etag {
        document.text("ETag", &info.etag.bare().to_string());
    }
    if let Some(value) = &info.checksum
        && wanted.checksum
    {
        document.nested("Checksum", |d| {
            show_checksum(d, &value.checksum);
            d.plain("ChecksumType", checksum::type_name(value.kind()).as_bytes());
        });
    }
    if let Some(count) = found.parts_count
        && wanted.parts
    {
        document.nested("ObjectParts", |d| {
            d.number("PartsCount", u64::from(count));
            d.number("PartNumberMarker", u64::from(after));
            if let Some(last) = found.parts.last() {
                d.number("NextPartNumberMarker", u64::from(last.number));
            }
            d.number("MaxParts", limit as u64);
            d.boolean("IsTruncated", found.more);
            for part in &found.parts {
                d.nested("Part", |d| {
                    d.number("PartNumber", u64::from(part.number));
                    d.number("Size", part.size);
                    if let Some(value) = &part.checksum {
                        show_checksum(d, value);
                    }
                });
            }
        });
    }
    if wanted.storage_class {
        document
            .text("StorageClass", info.metadata.header(StandardHeader::StorageClass).unwrap_or("STANDARD"));
    }
    if wanted.size {
        document.number("ObjectSize", info.size);
    }
    document.finish()
}

/// The element of a checksum; that of a composite one has no number of parts (S3 API, GetObjectAttributes).
pub(crate) fn show_checksum(document: &mut Document, value: &Checksum) {
    document.plain(checksum::element(value.algorithm), crate::auth::checksum::to_base64(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_with_or_without_spaces() {
        let of = |list: &str| wanted(&[(ATTRIBUTES, list.parse().unwrap())].into_iter().collect());
        let both = Wanted { etag: true, size: true, ..Default::default() };
        assert_eq!(of("ETag, ObjectSize").unwrap(), both);
        assert_eq!(of("ETag,ObjectSize").unwrap(), both);
        assert!(of("ETag ObjectSize").is_err() && of("Size").is_err() && of("ETag,").is_err());
    }
}
