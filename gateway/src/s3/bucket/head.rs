//! HeadBucket.

use s3s::dto::{HeadBucketInput, HeadBucketOutput};
use s3s::{S3Request, S3Response};

use crate::s3::Service;
use crate::s3::error::Result;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<HeadBucketInput>,
) -> Result<S3Response<HeadBucketOutput>> {
    let bucket = service.bucket(&request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    service.store.head_bucket(&bucket).await?;
    let bucket_region = Some(service.region.to_string());
    Ok(S3Response::new(HeadBucketOutput { bucket_region, ..Default::default() }))
}
