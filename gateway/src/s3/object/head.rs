//! HeadObject.

use s3s::dto::{HeadObjectInput, HeadObjectOutput};
use s3s::{S3Request, S3Response};

use super::read::{Reading, asked};
use crate::s3::Service;
use crate::s3::error::Result;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<HeadObjectInput>,
) -> Result<S3Response<HeadObjectOutput>> {
    let (read, answer) = Reading::new(service, asked!(request.input), &request.extensions)?.split();
    let (info, part) = service.store.head_object(read).await.map_err(|error| answer.refused(error))?;
    let (headers, _) = answer.headers(info, part);
    Ok(S3Response::with_headers(HeadObjectOutput::default(), headers))
}
