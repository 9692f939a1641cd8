//! ListMultipartUploads.

use bytes::Bytes;
use s3s::dto::{ListMultipartUploadsInput, ListMultipartUploadsOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;
use terrace_store::name::UploadId;
use terrace_store::ops::multipart::{ListUploads, ListedUpload, UploadListing};

use crate::s3::error::Result;
use crate::s3::object::list::{encoding, limit, owner};
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::translate::{checksum, time};
use crate::s3::{Service, front};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListMultipartUploadsInput>,
) -> Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let encoding = encoding(input.encoding_type.as_ref())?;
    let asked = ListUploads {
        bucket: service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?,
        prefix: input.prefix.unwrap_or_default().into(),
        delimiter: input.delimiter.unwrap_or_default().into(),
        upload_marker: upload_marker(input.key_marker.as_deref(), input.upload_id_marker.as_deref())?,
        key_marker: input.key_marker.unwrap_or_default().into(),
        limit: limit(input.max_uploads)?,
    };
    let listing = service.store.list_uploads(asked.clone()).await?;
    Ok(front::document(show(&asked, &listing, encoding)))
}

/// Without a key marker there is no upload marker (S3 API, `ListMultipartUploads`).
fn upload_marker(key: Option<&str>, upload: Option<&str>) -> Result<Option<UploadId>> {
    let (Some(_), Some(upload)) = (key.filter(|key| !key.is_empty()), upload.filter(|id| !id.is_empty()))
    else {
        return Ok(None);
    };
    UploadId::parse(upload).map(Some).map_err(|_| Refusal::InvalidArgument("Invalid uploadId marker").into())
}

fn show(asked: &ListUploads, listing: &UploadListing, encoding: Encoding) -> Bytes {
    let mut document = Document::new("ListMultipartUploadsResult", 512 + listing.uploads.len() * 512);
    document.text("Bucket", asked.bucket.as_str());
    document.key("KeyMarker", &asked.key_marker, encoding);
    document.text("UploadIdMarker", &asked.upload_marker.map_or(String::new(), |id| id.to_string()));
    let next = listing.next.as_ref().filter(|_| asked.limit > 0);
    if let Some((key, upload)) = next {
        document.key("NextKeyMarker", key, encoding);
        document.text("NextUploadIdMarker", &upload.map_or(String::new(), |id| id.to_string()));
    }
    document.key("Prefix", &asked.prefix, encoding);
    if !asked.delimiter.is_empty() {
        document.key("Delimiter", &asked.delimiter, encoding);
    }
    if encoding == Encoding::Url {
        document.plain("EncodingType", b"url");
    }
    document.number("MaxUploads", asked.limit as u64);
    document.boolean("IsTruncated", next.is_some());
    for upload in &listing.uploads {
        document.nested("Upload", |d| show_upload(d, upload, encoding));
    }
    for prefix in &listing.prefixes {
        document.nested("CommonPrefixes", |d| d.key("Prefix", prefix, encoding));
    }
    document.finish()
}

fn show_upload(document: &mut Document, upload: &ListedUpload, encoding: Encoding) {
    document.key("Key", &upload.key, encoding);
    document.text("UploadId", &upload.upload.to_string());
    owner(document, "Initiator");
    owner(document, "Owner");
    document.text("StorageClass", upload.storage_class.as_deref().unwrap_or("STANDARD"));
    document.plain("Initiated", &time::iso(upload.initiated_ms));
    if let Some(choice) = upload.checksum {
        checksum::show_choice(document, choice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_marker_needs_its_key() {
        let id = "07".repeat(16);
        assert_eq!(upload_marker(None, Some(&id)).unwrap(), None);
        assert_eq!(upload_marker(Some(""), Some("x")).unwrap(), None);
        assert_eq!(upload_marker(Some("k"), Some("")).unwrap(), None);
        assert_eq!(upload_marker(Some("k"), Some(&id)).unwrap().unwrap().to_string(), id);
        assert!(upload_marker(Some("k"), Some("x")).is_err());
    }
}
