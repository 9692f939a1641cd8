//! AbortMultipartUpload.

use s3s::dto::{AbortMultipartUploadInput, AbortMultipartUploadOutput};
use s3s::{S3Request, S3Response};

use super::upload_of;
use crate::s3::Service;
use crate::s3::error::Result;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<AbortMultipartUploadInput>,
) -> Result<S3Response<AbortMultipartUploadOutput>> {
    service.store.abort_upload(upload_of!(service, request.input)?).await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
