//! CompleteMultipartUpload.

use http::header::HOST;
use s3s::dto::{self, CompleteMultipartUploadInput, CompleteMultipartUploadOutput};
use s3s::{S3Request, S3Response};
use terrace_store::Refusal;
use terrace_store::name::PartNumber;
use terrace_store::object::Algorithm;
use terrace_store::ops::multipart::{CompleteUpload, CompletedPart, Given, GivenChecksum, UploadRef};
use terrace_store::ops::object::Written;

use super::upload_of;
use crate::s3::error::Result;
use crate::s3::translate::xml::{Document, Encoding};
use crate::s3::translate::{checksum, conditions};
use crate::s3::{Service, front, inbound};
use crate::server::Arrival;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Result<S3Response<CompleteMultipartUploadOutput>> {
    let location = location(&request);
    let input = request.input;
    let upload = upload_of!(service, input)?;
    let whole = given([
        (Algorithm::Crc32, input.checksum_crc32),
        (Algorithm::Crc32c, input.checksum_crc32c),
        (Algorithm::Crc64Nvme, input.checksum_crc64nvme),
        (Algorithm::Sha1, input.checksum_sha1),
        (Algorithm::Sha256, input.checksum_sha256),
    ])?
    .map(|(algorithm, value)| whole(algorithm, &value))
    .transpose()?;
    let kind = input.checksum_type.map_or(Ok(None), |kind| checksum::parse_type(kind.as_str()))?;
    let listed = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let complete = CompleteUpload {
        upload: upload.clone(),
        parts: listed.into_iter().map(part).collect::<Result<_>>()?,
        condition: conditions::write(inbound::received(&request.extensions))?,
        size: input.mpu_object_size.map(size).transpose()?,
        whole: Given { checksum: whole, kind },
    };
    let written = service.store.complete_upload(complete).await?;
    Ok(front::document(show(&upload, &written, &location)))
}

fn size(size: i64) -> Result<u64> {
    u64::try_from(size)
        .map_err(|_| Refusal::InvalidRequest("Value for x-amz-mp-object-size header is invalid.").into())
}

fn part(part: dto::CompletedPart) -> Result<CompletedPart> {
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag) else {
        return Err(Refusal::MalformedXml.into());
    };
    let checksum = given([
        (Algorithm::Crc32, part.checksum_crc32),
        (Algorithm::Crc32c, part.checksum_crc32c),
        (Algorithm::Crc64Nvme, part.checksum_crc64nvme),
        (Algorithm::Sha1, part.checksum_sha1),
        (Algorithm::Sha256, part.checksum_sha256),
    ])?
    .map(|(algorithm, value)| checksum::parse(algorithm, &value))
    .transpose()?;
    Ok(CompletedPart { number: PartNumber::new(number)?, etag: etag.into_value(), checksum })
}

/// The checksum of the whole: `<base64>`, or `<base64>-<parts>` for a composite one.
fn whole(algorithm: Algorithm, value: &str) -> Result<GivenChecksum> {
    let (value, parts) = match value.split_once('-') {
        Some((value, parts)) => (value, Some(parts)),
        None => (value, None),
    };
    let parts = parts.map(|parts| {
        parts.parse().map_err(|_| Refusal::InvalidRequest("Value for a x-amz-checksum header is invalid."))
    });
    Ok(GivenChecksum { checksum: checksum::parse(algorithm, value)?, parts: parts.transpose()? })
}

/// The one checksum of those that can be given.
fn given(all: [(Algorithm, Option<String>); 5]) -> Result<Option<(Algorithm, String)>> {
    let mut given = all.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let first = given.next();
    if given.next().is_some() {
        return Err(Refusal::InvalidRequest("Expecting a single checksum value").into());
    }
    Ok(first)
}

fn show(upload: &UploadRef, written: &Written, location: &str) -> bytes::Bytes {
    let mut document = Document::new("CompleteMultipartUploadResult", 512 + location.len());
    document.text("Location", location);
    document.text("Bucket", upload.bucket.as_str());
    document.key("Key", upload.key.as_bytes(), Encoding::Plain);
    document.etag(written.etag);
    if let Some(sum) = &written.checksum {
        document.plain(checksum::element(sum.checksum.algorithm), checksum::value(sum).as_bytes());
        document.plain("ChecksumType", checksum::type_name(sum.kind()).as_bytes());
    }
    document.finish()
}

/// Where the object is now: where the request was sent to, in the style in which its client names buckets. Behind a terminator of TLS the
/// scheme is that of the connection that came here.
fn location<T>(request: &S3Request<T>) -> String {
    let secure = request.extensions.get::<Arrival>().is_some_and(|arrival| arrival.secure);
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{}://{host}{}", if secure { "https" } else { "http" }, request.uri.path())
}
