//! ListParts.

use s3s::dto::{ListPartsInput, ListPartsOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;
use terrace_store::name::PartNumber;
use terrace_store::ops::multipart::{PartListing, UploadRef};

use super::upload_of;
use crate::s3::error::Result;
use crate::s3::object::attributes::show_checksum;
use crate::s3::object::list::{limit, owner};
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::translate::{checksum, time};
use crate::s3::{Service, front};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListPartsInput>,
) -> Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let limit = limit(input.max_parts)?;
    let after = after(input.part_number_marker.unwrap_or(0))?;
    let upload = upload_of!(service, input)?;
    let listing = service.store.list_parts(&upload, after, limit).await?;
    Ok(front::document(show(&upload, &listing, after, limit)))
}

/// Behind which part the page begins; beyond the last number there is none.
fn after(marker: i32) -> Result<u16> {
    let marker = u32::try_from(marker).map_err(|_| {
        Refusal::InvalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647")
    })?;
    Ok(u16::try_from(marker).unwrap_or(PartNumber::MAX).min(PartNumber::MAX))
}

fn show(upload: &UploadRef, listing: &PartListing, after: u16, limit: usize) -> bytes::Bytes {
    let mut document = Document::new("ListPartsResult", 512 + listing.parts.len() * 256);
    document.text("Bucket", upload.bucket.as_str());
    document.key("Key", upload.key.as_bytes(), Encoding::Plain);
    document.text("UploadId", &upload.upload.to_string());
    document.number("PartNumberMarker", u64::from(after));
    if let Some(last) = listing.parts.last() {
        document.number("NextPartNumberMarker", u64::from(last.number.get()));
    }
    document.number("MaxParts", limit as u64);
    document.boolean("IsTruncated", listing.more && limit > 0);
    if let Some(choice) = listing.checksum {
        checksum::show_choice(&mut document, choice);
    }
    for part in &listing.parts {
        document.nested("Part", |d| {
            d.number("PartNumber", u64::from(part.number.get()));
            d.plain("LastModified", &time::iso(part.modified_ms));
            d.etag(part.etag);
            d.number("Size", part.size);
            if let Some(value) = &part.checksum {
                show_checksum(d, value);
            }
        });
    }
    owner(&mut document, "Initiator");
    owner(&mut document, "Owner");
    document.text("StorageClass", listing.storage_class.as_deref().unwrap_or("STANDARD"));
    document.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_beyond_the_last_number_is_the_end() {
        for (marker, expected) in [(0, 0), (7, 7), (10_000, 10_000), (70_000, 10_000), (i32::MAX, 10_000)] {
            assert_eq!(after(marker).unwrap(), expected);
        }
        assert!(after(-1).is_err());
    }
}
