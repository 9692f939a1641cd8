//! ListObjects, version 2.

use bytes::Bytes;
use s3s::dto::{ListObjectsV2Input, ListObjectsV2Output};
use s3s::{S3Request, S3Response};

use super::list::Asked;
use crate::s3::error::Result;
use crate::s3::translate::{token, xml::Document};
use crate::s3::{Service, front};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListObjectsV2Input>,
) -> Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let start_after = Bytes::from(input.start_after.unwrap_or_default());
    let continued = token::decode(input.continuation_token.as_deref().unwrap_or(""))?;
    let asked = Asked {
        bucket: service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?,
        prefix: input.prefix,
        delimiter: input.delimiter,
        after: if continued.is_empty() { start_after.clone() } else { continued },
        max_keys: input.max_keys,
        encoding: input.encoding_type,
    };
    let page = asked.page(service).await?;
    let own = |document: &mut Document| {
        if !start_after.is_empty() {
            document.key("StartAfter", &start_after, page.encoding);
        }
        if let Some(token) = &input.continuation_token {
            document.text("ContinuationToken", token);
        }
        if let Some(next) = &page.next {
            document.plain("NextContinuationToken", token::encode(next).as_bytes());
        }
        document.number("KeyCount", (page.listing.objects.len() + page.listing.prefixes.len()) as u64);
    };
    Ok(front::document(page.document(own, input.fetch_owner.unwrap_or(false))))
}
