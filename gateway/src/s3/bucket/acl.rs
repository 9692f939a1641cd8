//! GetBucketAcl.

use s3s::dto::{GetBucketAclInput, GetBucketAclOutput, Grant, Grantee, Owner, Permission, Type};
use s3s::{S3Request, S3Response};

use crate::s3::error::Result;
use crate::s3::{ACCOUNT, Service};

pub(crate) async fn call(
    service: &Service,
    request: S3Request<GetBucketAclInput>,
) -> Result<S3Response<GetBucketAclOutput>> {
    let bucket = service.bucket(&request.input.bucket, request.input.expected_bucket_owner.as_deref())?;
    service.store.head_bucket(&bucket).await?;
    Ok(S3Response::new(GetBucketAclOutput { grants: Some(grants()), owner: Some(owner()) }))
}

/// The one account.
pub(crate) fn owner() -> Owner {
    Owner { display_name: Some(ACCOUNT.into()), id: Some(ACCOUNT.into()) }
}

/// The grants of the canned ACL `private`: there is no other.
pub(crate) fn grants() -> Vec<Grant> {
    let grantee = Grantee {
        display_name: Some(ACCOUNT.into()),
        email_address: None,
        id: Some(ACCOUNT.into()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    vec![Grant {
        grantee: Some(grantee),
        permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
    }]
}
