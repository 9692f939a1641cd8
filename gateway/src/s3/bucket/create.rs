//! CreateBucket.

use http::StatusCode;
use s3s::dto::{CreateBucketInput, CreateBucketOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;

use crate::s3::error::{Result, protocol};
use crate::s3::{ACCOUNT, DEFAULT_REGION, Service, inbound};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<CreateBucketInput>,
) -> Result<S3Response<CreateBucketOutput>> {
    inbound::plain(&request.uri, &[])?;
    let bucket = service.bucket(&request.input.bucket, None)?;
    if let Some(asked) = request.input.create_bucket_configuration {
        if asked.bucket.is_some() || asked.location.is_some() {
            return Err(Refusal::NotImplemented("directory buckets").into());
        }
        let region = asked.location_constraint.as_ref().map_or("", |constraint| constraint.as_str());
        if !(region.is_empty() || region == DEFAULT_REGION || region == &*service.region) {
            return Err(protocol(
                "IllegalLocationConstraintException",
                StatusCode::BAD_REQUEST,
                "The specified location constraint is not valid for the region of this endpoint.",
            )
            .into());
        }
    }
    let location = ["/", bucket.as_str()].concat();
    service.store.create_bucket(bucket, ACCOUNT).await?;
    Ok(S3Response::new(CreateBucketOutput { location: Some(location) }))
}
