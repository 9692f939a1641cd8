//! GetObject.

use s3s::dto::{GetObjectInput, GetObjectOutput};
use s3s::{S3Request, S3Response};

use super::read::{Reading, asked};
use crate::s3::error::Result;
use crate::s3::{Service, stream};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetObjectInput>,
) -> Result<S3Response<GetObjectOutput>> {
    let (read, answer) = Reading::new(service, asked!(request.input), &request.extensions)?.split();
    let object = service.store.get_object(read).await.map_err(|error| answer.refused(error))?;
    let (headers, length) = answer.headers(object.info, object.part);
    let body = stream::outgoing("get_object", object.body, length);
    Ok(S3Response::with_headers(GetObjectOutput { body: Some(body), ..Default::default() }, headers))
}
