//! DeleteBucket.

use s3s::dto::{DeleteBucketInput, DeleteBucketOutput};
use s3s::{S3Request, S3Response};

use crate::s3::error::Result;
use crate::s3::{Service, inbound};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<DeleteBucketInput>,
) -> Result<S3Response<DeleteBucketOutput>> {
    inbound::plain(&request.uri, &[])?;
    let bucket = service.bucket(&request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    service.store.delete_bucket(&bucket).await?;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}
