//! UploadPartCopy.

use http::HeaderName;
use s3s::dto::{CopyPartResult, UploadPartCopyInput, UploadPartCopyOutput};
use s3s::{S3Request, S3Response};
use terrace_store::name::PartNumber;
use terrace_store::ops::multipart::CopyPart;

use super::upload_of;
use crate::s3::error::Result;
use crate::s3::object::copy;
use crate::s3::translate::{checksum, ranges, text, time};
use crate::s3::{Service, inbound};

const RANGE: HeaderName = HeaderName::from_static("x-amz-copy-source-range");

pub(crate) async fn call(
    service: &Service,
    request: S3Request<UploadPartCopyInput>,
) -> Result<S3Response<UploadPartCopyOutput>> {
    let received = inbound::received(&request.extensions);
    let input = request.input;
    let part = CopyPart {
        upload: upload_of!(service, input)?,
        number: PartNumber::new(input.part_number)?,
        source: copy::source(service, received, input.expected_source_bucket_owner.as_deref())?,
        range: text(received, &RANGE)?.map(|range| ranges::parse_copy(&range)).transpose()?,
    };
    let written = service.store.copy_part(part).await.map_err(copy::refused)?;
    let mut result = CopyPartResult {
        e_tag: Some(s3s::dto::ETag::Strong(written.etag.bare().to_string())),
        last_modified: Some(time::timestamp(written.modified_ms)),
        ..Default::default()
    };
    if let Some(verified) = &written.checksum {
        checksum::fill!(result, verified);
    }
    Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() }))
}
