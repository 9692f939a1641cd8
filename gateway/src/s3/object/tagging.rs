//! GetObjectTagging: no object has tags yet, and a client that copies asks first.

use s3s::dto::{GetObjectTaggingInput, GetObjectTaggingOutput};
use s3s::{S3Request, S3Response};

use super::exists;
use crate::s3::Service;
use crate::s3::error::Result;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetObjectTaggingInput>,
) -> Result<S3Response<GetObjectTaggingOutput>> {
    let input = request.input;
    super::no_version(input.version_id.as_deref())?;
    exists(service, &input.bucket, input.expected_bucket_owner.as_deref(), input.key).await?;
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set: Vec::new(), version_id: None }))
}
