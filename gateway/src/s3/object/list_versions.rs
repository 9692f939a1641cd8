//! ListObjectVersions.

use bytes::Bytes;
use s3s::dto::{ListObjectVersionsInput, ListObjectVersionsOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;

use super::list::Asked;
use crate::s3::error::Result;
use crate::s3::translate::xml::Document;
use crate::s3::{Service, front};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListObjectVersionsInput>,
) -> Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    let marker = Bytes::from(input.key_marker.unwrap_or_default());
    let version = input.version_id_marker.unwrap_or_default();
    if marker.is_empty() && !version.is_empty() {
        let alone = "A version-id marker cannot be specified without a key marker.";
        return Err(Refusal::InvalidArgument(alone).into());
    }
    let asked = Asked {
        bucket: service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?,
        prefix: input.prefix,
        delimiter: input.delimiter,
        after: marker.clone(),
        max_keys: input.max_keys,
        encoding: input.encoding_type,
    };
    let page = asked.page(service).await?;
    let own = |document: &mut Document| {
        document.key("KeyMarker", &marker, page.encoding);
        document.text("VersionIdMarker", &version);
        if let Some(next) = &page.next {
            document.key("NextKeyMarker", next, page.encoding);
            if page.listing.objects.last().is_some_and(|last| last.key == *next) {
                document.plain("NextVersionIdMarker", b"null");
            }
        }
    };
    Ok(front::document(page.versions(own)))
}
