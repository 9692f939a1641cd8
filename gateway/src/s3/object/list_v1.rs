//! ListObjects, version 1.

use bytes::Bytes;
use s3s::dto::{ListObjectsInput, ListObjectsOutput};
use s3s::{S3Request, S3Response};

use super::list::Asked;
use crate::s3::error::Result;
use crate::s3::translate::xml::Document;
use crate::s3::{Service, front};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListObjectsInput>,
) -> Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    let marker = Bytes::from(input.marker.unwrap_or_default());
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
        document.key("Marker", &marker, page.encoding);
        // Without a delimiter the last key is the next marker, and S3 does not repeat it.
        if let Some(next) = page.next.as_ref().filter(|_| !page.delimiter.is_empty()) {
            document.key("NextMarker", next, page.encoding);
        }
    };
    Ok(front::document(page.document(own, true)))
}
