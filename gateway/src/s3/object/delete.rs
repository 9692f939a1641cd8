//! DeleteObject.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput};
use s3s::{S3Request, S3Response};
use terrace_store::name::ObjectKey;

use super::no_version;
use crate::s3::error::Result;
use crate::s3::translate::conditions;
use crate::s3::{Service, inbound};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<DeleteObjectInput>,
) -> Result<S3Response<DeleteObjectOutput>> {
    inbound::plain(&request.uri, &["versionId"])?;
    let input = request.input;
    no_version(input.version_id.as_deref())?;
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
    let condition = conditions::delete(inbound::received(&request.extensions))?;
    service.store.delete_object(bucket, ObjectKey::new(input.key)?, condition).await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}
