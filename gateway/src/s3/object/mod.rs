//! Operations on objects.

pub(super) mod acl;
pub(super) mod attributes;
pub(super) mod copy;
pub(super) mod delete;
pub(super) mod delete_objects;
pub(super) mod get;
pub(super) mod head;
pub(super) mod list;
pub(super) mod list_v1;
pub(super) mod list_v2;
pub(super) mod list_versions;
pub(super) mod put;
mod read;
pub(super) mod tagging;

use http::header::ETAG;
use http::{HeaderMap, HeaderValue, StatusCode};
use terrace_store::Refusal;
use terrace_store::name::ObjectKey;
use terrace_store::object::{ETag, ReadCondition};
use terrace_store::ops::object::{GetObject, Selection};

use super::Service;
use super::error::{Result, protocol};

/// There are no versions: the current one may be named as `null`, as in a bucket of S3 without versioning.
pub(crate) fn no_version(version: Option<&str>) -> Result<()> {
    match version {
        None | Some("null") => Ok(()),
        Some("") => Err(Refusal::InvalidArgument("Version id cannot be the empty string").into()),
        Some(_) => {
            Err(protocol("NoSuchVersion", StatusCode::NOT_FOUND, "The specified version does not exist.")
                .into())
        }
    }
}

/// Checks that an object is there.
async fn exists(service: &Service, bucket: &str, expected_owner: Option<&str>, key: String) -> Result<()> {
    let request = GetObject {
        bucket: service.bucket(bucket, expected_owner)?,
        key: ObjectKey::new(key)?,
        selection: Selection::Whole,
        condition: ReadCondition::default(),
    };
    service.store.head_object(request).await?;
    Ok(())
}

/// Headers that say what was stored: the ETag.
pub(crate) fn stored(etag: ETag) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(ETAG, quoted(etag));
    headers
}

/// An ETag as headers show it.
pub(crate) fn quoted(etag: ETag) -> HeaderValue {
    // Hex digits, a dash and quotes: always a header value.
    HeaderValue::try_from(etag.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
