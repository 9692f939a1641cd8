//! CopyObject.

use http::HeaderMap;
use s3s::dto::{ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult};
use s3s::{S3Request, S3Response};
use terrace_store::name::ObjectKey;
use terrace_store::object::{CopiedMetadata, Metadata, StandardHeader};
use terrace_store::ops::object::{CopyObject, CopySource, MetadataDirective};
use terrace_store::{Error, Refusal};

use super::no_version;
use crate::s3::error::{Problem, Result};
use crate::s3::translate::{checksum, conditions, copy_source, metadata, time};
use crate::s3::{Service, inbound};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<CopyObjectInput>,
) -> Result<S3Response<CopyObjectOutput>> {
    inbound::plain(&request.uri, &[])?;
    let received = inbound::received(&request.extensions);
    let input = request.input;
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref())?;
    let key = ObjectKey::new(input.key)?;
    let source = source(service, received, input.expected_source_bucket_owner.as_deref())?;
    let metadata = match input.metadata_directive.as_ref().map_or("COPY", |directive| directive.as_str()) {
        "COPY" => MetadataDirective::Copy(own(metadata::read(received)?, received)),
        "REPLACE" => MetadataDirective::Replace(metadata::read(received)?),
        _ => return Err(Refusal::InvalidArgument("Unknown metadata directive.").into()),
    };
    let condition = conditions::write(received)?;
    let checksum =
        input.checksum_algorithm.map(|algorithm| checksum::algorithm(algorithm.as_str())).transpose()?;
    let copy = CopyObject { source, bucket, key, metadata, condition, checksum };
    let written = service.store.copy_object(copy).await.map_err(refused)?;
    let mut result = CopyObjectResult {
        e_tag: Some(s3s::dto::ETag::Strong(written.etag.bare().to_string())),
        last_modified: Some(time::timestamp(written.modified_ms)),
        ..Default::default()
    };
    if let Some(verified) = &written.checksum {
        checksum::fill!(result, verified);
        result.checksum_type = Some(ChecksumType::from_static(checksum::type_name(verified.kind())));
    }
    Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() }))
}

/// The source that the headers name, with its conditions.
pub(crate) fn source(
    service: &Service,
    received: &HeaderMap,
    expected_owner: Option<&str>,
) -> Result<CopySource> {
    let header = received.get(inbound::COPY_SOURCE).map_or(&b""[..], |header| header.as_bytes());
    let named = copy_source::parse(header)?;
    no_version(named.version.as_deref())?;
    let bucket = service.bucket(named.bucket.as_str(), expected_owner)?;
    Ok(CopySource { bucket, key: named.key, condition: conditions::copy_source(received)? })
}

/// A copy has nothing that could be "not modified": a condition of its source that does not hold is 412, whichever it is.
pub(crate) fn refused(error: Error) -> Problem {
    match error {
        Error::Refused(Refusal::NotModified { .. }) => {
            Refusal::PreconditionFailed("x-amz-copy-source-if-none-match").into()
        }
        error => error.into(),
    }
}

/// What the request says of the copy although its metadata is the source's. `STANDARD` too is said here: onto itself it is a change.
fn own(asked: Metadata, received: &HeaderMap) -> CopiedMetadata {
    let said = |header| asked.header(header).map(str::to_owned);
    let named = received.get(metadata::STORAGE_CLASS).is_some_and(|class| !class.is_empty());
    CopiedMetadata {
        storage_class: named
            .then(|| said(StandardHeader::StorageClass).unwrap_or_else(|| "STANDARD".to_owned())),
        website_redirect: said(StandardHeader::WebsiteRedirect),
    }
}
