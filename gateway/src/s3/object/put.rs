//! PutObject.

use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;
use terrace_store::name::ObjectKey;
use terrace_store::ops::object::PutObject;

use super::stored;
use crate::s3::error::Result;
use crate::s3::translate::{checksum, conditions, metadata};
use crate::s3::{Service, inbound, stream};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<PutObjectInput>,
) -> Result<S3Response<PutObjectOutput>> {
    refuse_parts(request.uri.query().unwrap_or(""))?;
    inbound::plain(&request.uri, &[])?;
    let received = inbound::received(&request.extensions);
    let input = request.input;
    stream::expect_length(input.content_length)?;
    let put = PutObject {
        bucket: service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?,
        key: ObjectKey::new(input.key)?,
        metadata: metadata::read(received)?,
        condition: conditions::write(received)?,
        body: stream::incoming(input.body, input.content_length, (&request.headers, &request.extensions)),
    };
    let written = service.store.put_object(put).await?;
    let mut headers = stored(written.etag);
    checksum::show(&mut headers, written.checksum.as_ref());
    Ok(S3Response::with_headers(PutObjectOutput::default(), headers))
}

/// Half an UploadPart is no PutObject: s3s routes it here, and it would replace the object by a part of it.
fn refuse_parts(query: &str) -> Result<()> {
    let mut names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    if names.any(|name| matches!(name, "uploadId" | "partNumber" | "versionId")) {
        return Err(Refusal::InvalidArgument("This operation does not accept a query-string.").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_upload_part_is_refused() {
        for query in ["uploadId=1", "partNumber=1", "x-id=PutObject&versionId=1"] {
            assert!(refuse_parts(query).is_err(), "{query}");
        }
        for query in ["", "x-id=PutObject", "x=uploadId"] {
            assert!(refuse_parts(query).is_ok(), "{query}");
        }
    }
}
