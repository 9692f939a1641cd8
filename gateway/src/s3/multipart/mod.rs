//! Operations on multipart uploads.

pub(super) mod abort;
pub(super) mod complete;
pub(super) mod create;
pub(super) mod list_parts;
pub(super) mod list_uploads;
pub(super) mod upload_part;
pub(super) mod upload_part_copy;

use terrace_store::name::{ObjectKey, UploadId};
use terrace_store::ops::multipart::UploadRef;

use super::Service;
use super::error::Result;

/// The upload that a request names.
fn upload(
    service: &Service,
    bucket: &str,
    expected_owner: Option<&str>,
    key: String,
    id: &str,
) -> Result<UploadRef> {
    Ok(UploadRef {
        bucket: service.bucket(bucket, expected_owner)?,
        key: ObjectKey::new(key)?,
        upload: UploadId::parse(id)?,
    })
}

/// [`upload`] of an input; leaves the input's other fields.
macro_rules! upload_of {
    ($service:expr, $input:expr) => {
        $crate::s3::multipart::upload(
            $service,
            &$input.bucket,
            $input.expected_bucket_owner.as_deref(),
            $input.key,
            &$input.upload_id,
        )
    };
}
use upload_of;
