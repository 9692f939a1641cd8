//! CreateMultipartUpload.

use http::{HeaderName, HeaderValue};
use s3s::dto::{CreateMultipartUploadInput, CreateMultipartUploadOutput};
use s3s::{S3Request, S3Response};
use terrace_store::name::ObjectKey;
use terrace_store::ops::multipart::CreateUpload;

use crate::s3::error::Result;
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::translate::{checksum, metadata};
use crate::s3::{Service, front, inbound};

const ALGORITHM: HeaderName = HeaderName::from_static("x-amz-checksum-algorithm");

pub(crate) async fn call(
    service: &Service,
    request: S3Request<CreateMultipartUploadInput>,
) -> Result<S3Response<CreateMultipartUploadOutput>> {
    let input = request.input;
    let algorithm =
        input.checksum_algorithm.map(|algorithm| checksum::algorithm(algorithm.as_str())).transpose()?;
    let kind = input.checksum_type.map_or(Ok(None), |kind| checksum::parse_type(kind.as_str()))?;
    let choice = checksum::choice(algorithm, kind)?;
    let create = CreateUpload {
        bucket: service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?,
        key: ObjectKey::new(input.key)?,
        metadata: metadata::read(inbound::received(&request.extensions))?,
        checksum: choice,
    };
    let (bucket, key) = (create.bucket.clone(), create.key.clone());
    let upload = service.store.create_upload(create).await?;
    let mut document = Document::new("InitiateMultipartUploadResult", 256 + key.as_bytes().len());
    document.text("Bucket", bucket.as_str());
    document.key("Key", key.as_bytes(), Encoding::Plain);
    document.text("UploadId", &upload.to_string());
    let mut response = front::document(document.finish());
    if let Some(choice) = choice {
        response.headers.insert(ALGORITHM, HeaderValue::from_static(checksum::name(choice.algorithm)));
        response.headers.insert(checksum::TYPE, HeaderValue::from_static(checksum::type_name(choice.kind)));
    }
    Ok(response)
}
