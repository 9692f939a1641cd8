//! UploadPart.

use s3s::dto::{UploadPartInput, UploadPartOutput};
use s3s::{S3Request, S3Response};
use terrace_store::name::PartNumber;
use terrace_store::ops::multipart::UploadPart;

use super::upload_of;
use crate::s3::error::Result;
use crate::s3::object::stored;
use crate::s3::translate::checksum;
use crate::s3::{Service, stream};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<UploadPartInput>,
) -> Result<S3Response<UploadPartOutput>> {
    let input = request.input;
    stream::expect_length(input.content_length)?;
    let part = UploadPart {
        upload: upload_of!(service, input)?,
        number: PartNumber::new(input.part_number)?,
        body: stream::incoming(input.body, input.content_length, (&request.headers, &request.extensions)),
    };
    let written = if stream::has_checksum(&request.extensions) {
        service.store.upload_part(part).await?
    } else {
        service.store.upload_part_unsummed(part).await?
    };
    let mut headers = stored(written.etag);
    checksum::show_value(&mut headers, written.checksum.as_ref());
    Ok(S3Response::with_headers(UploadPartOutput::default(), headers))
}
