//! ListBuckets.

use s3s::dto::{Bucket, ListBucketsInput, ListBucketsOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;

use crate::s3::error::Result;
use crate::s3::translate::{time, token};
use crate::s3::{Service, bucket::acl};

/// Most buckets of a page (S3 API, `ListBuckets`).
const MAX_BUCKETS: i32 = 10_000;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<ListBucketsInput>,
) -> Result<S3Response<ListBucketsOutput>> {
    let input = request.input;
    let limit = match input.max_buckets.unwrap_or(MAX_BUCKETS) {
        limit @ 1..=MAX_BUCKETS => usize::try_from(limit).unwrap_or_default(),
        _ => return Err(Refusal::InvalidArgument("max-buckets must be between 1 and 10000").into()),
    };
    let after = token::decode(input.continuation_token.as_deref().unwrap_or(""))?;
    let prefix = input.prefix.as_deref().unwrap_or("");
    let elsewhere = input.bucket_region.is_some_and(|region| region != *service.region);
    let mut page: Vec<_> = if elsewhere { Vec::new() } else { service.store.list_buckets().await? }
        .into_iter()
        .filter(|bucket| {
            bucket.name.as_str().as_bytes() > &after[..] && bucket.name.as_str().starts_with(prefix)
        })
        .take(limit + 1)
        .collect();
    let more = page.len() > limit;
    page.truncate(limit);
    let continuation_token =
        page.last().filter(|_| more).map(|last| token::encode(last.name.as_str().as_bytes()));
    let buckets = page.into_iter().map(|bucket| Bucket {
        name: Some(bucket.name.as_str().to_owned()),
        creation_date: Some(time::timestamp(bucket.created_ms)),
        bucket_region: Some(service.region.to_string()),
    });
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token,
        owner: Some(acl::owner()),
        prefix: input.prefix,
    }))
}
