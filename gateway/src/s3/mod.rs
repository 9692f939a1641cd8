//! The S3 protocol over the store: one line an operation here, one file an operation below. What is not listed answers
//! `NotImplemented`.

mod bucket;
mod details;
mod error;
mod front;
mod inbound;
mod multipart;
mod object;
mod stream;
mod translate;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};
use terrace_store::Store;
use terrace_store::name::BucketName;

pub use details::Details;
pub use front::Front;

use crate::auth::RequestId;

/// The one account of a deployment. All its access keys act for it, so that a bucket stays owned when a key is replaced.
const ACCOUNT: &str = "terrace";

/// The region that S3 does not name (`LocationConstraint` is empty there).
const DEFAULT_REGION: &str = "us-east-1";

/// Longest page of a listing.
const MAX_PAGE: i32 = 1_000;

/// The operations.
struct Service {
    store: Store,
    region: Arc<str>,
}

impl Service {
    /// A bucket's name, checked; an owner that the client expects must be the one account.
    fn bucket(&self, name: &str, expected_owner: Option<&str>) -> error::Result<BucketName> {
        let bucket = BucketName::new(name)?;
        match expected_owner {
            Some(owner) if owner != ACCOUNT => Err(terrace_store::Refusal::AccessDenied.into()),
            _ => Ok(bucket),
        }
    }
}

macro_rules! operations {
    ($($name:ident($input:ty) -> $output:ty = $($call:ident)::+;)+) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(
                async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    let id = request.extensions.get::<RequestId>().cloned();
                    error::answered(stringify!($name), id.as_ref(), $($call)::+(self, request).await)
                }
            )+
        }
    };
}

operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = bucket::create::call;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = bucket::delete::call;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = bucket::head::call;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = bucket::list::call;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = bucket::location::call;

    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput) -> GetBucketAccelerateConfigurationOutput = bucket::probes::accelerate;
    get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput = bucket::acl::call;
    get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput = bucket::probes::cors;
    get_bucket_encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput = bucket::probes::encryption;
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput = bucket::probes::lifecycle;
    get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput = bucket::probes::logging;
    get_bucket_notification_configuration(GetBucketNotificationConfigurationInput) -> GetBucketNotificationConfigurationOutput = bucket::probes::notification;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput = bucket::probes::ownership;
    get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput = bucket::probes::policy;
    get_bucket_policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput = bucket::probes::policy_status;
    get_bucket_replication(GetBucketReplicationInput) -> GetBucketReplicationOutput = bucket::probes::replication;
    get_bucket_request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput = bucket::probes::request_payment;
    get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput = bucket::probes::tagging;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = bucket::probes::versioning;
    get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput = bucket::probes::website;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput = bucket::probes::object_lock;
    get_public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput = bucket::probes::public_access_block;

    copy_object(CopyObjectInput) -> CopyObjectOutput = object::copy::call;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = object::delete::call;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = object::delete_objects::call;
    get_object(GetObjectInput) -> GetObjectOutput = object::get::call;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput = object::acl::call;
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput = object::attributes::call;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = object::tagging::call;
    head_object(HeadObjectInput) -> HeadObjectOutput = object::head::call;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = object::list_versions::call;
    list_objects(ListObjectsInput) -> ListObjectsOutput = object::list_v1::call;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = object::list_v2::call;
    put_object(PutObjectInput) -> PutObjectOutput = object::put::call;

    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort::call;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = multipart::complete::call;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create::call;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = multipart::list_uploads::call;
    list_parts(ListPartsInput) -> ListPartsOutput = multipart::list_parts::call;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::upload_part::call;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = multipart::upload_part_copy::call;
}
