//! GetObjectAcl.

use s3s::dto::{GetObjectAclInput, GetObjectAclOutput};
use s3s::{S3Request, S3Response};

use super::exists;
use crate::s3::Service;
use crate::s3::bucket::acl;
use crate::s3::error::Result;

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetObjectAclInput>,
) -> Result<S3Response<GetObjectAclOutput>> {
    let input = request.input;
    super::no_version(input.version_id.as_deref())?;
    exists(service, &input.bucket, input.expected_bucket_owner.as_deref(), input.key).await?;
    Ok(S3Response::new(GetObjectAclOutput {
        grants: Some(acl::grants()),
        owner: Some(acl::owner()),
        request_charged: None,
    }))
}
