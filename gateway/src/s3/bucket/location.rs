//! GetBucketLocation.

use s3s::dto::{BucketLocationConstraint, GetBucketLocationInput, GetBucketLocationOutput};
use s3s::{S3Request, S3Response};

use crate::s3::error::Result;
use crate::s3::{DEFAULT_REGION, Service};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetBucketLocationInput>,
) -> Result<S3Response<GetBucketLocationOutput>> {
    let bucket = service.bucket(&request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    service.store.head_bucket(&bucket).await?;
    let location_constraint = (&*service.region != DEFAULT_REGION)
        .then(|| BucketLocationConstraint::from(service.region.to_string()));
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
}
