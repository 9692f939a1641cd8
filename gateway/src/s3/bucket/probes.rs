//! Configurations that clients ask for and no bucket here has: answered as S3 answers for a bucket without them.

use http::StatusCode;
use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::s3::Service;
use crate::s3::error::{Result, protocol};

/// A configuration that is there and empty.
macro_rules! empty {
    ($name:ident($input:ty) -> $output:ty, $value:expr) => {
        pub(crate) async fn $name(
            service: &Service,
            request: S3Request<$input>,
        ) -> Result<S3Response<$output>> {
            exists(service, &request.input.bucket, request.input.expected_bucket_owner.as_deref()).await?;
            Ok(S3Response::new($value))
        }
    };
}

/// A configuration that is not there, which S3 says with a code of its own.
macro_rules! absent {
    ($name:ident($input:ty) -> $output:ty, $code:literal, $message:literal) => {
        pub(crate) async fn $name(
            service: &Service,
            request: S3Request<$input>,
        ) -> Result<S3Response<$output>> {
            exists(service, &request.input.bucket, request.input.expected_bucket_owner.as_deref()).await?;
            Err(protocol($code, StatusCode::NOT_FOUND, $message).into())
        }
    };
}

async fn exists(service: &Service, bucket: &str, expected_owner: Option<&str>) -> Result<()> {
    let bucket = service.bucket(bucket, expected_owner)?;
    service.store.head_bucket(&bucket).await?;
    Ok(())
}

empty!(accelerate(GetBucketAccelerateConfigurationInput) -> GetBucketAccelerateConfigurationOutput, Default::default());
empty!(logging(GetBucketLoggingInput) -> GetBucketLoggingOutput, Default::default());
empty!(notification(GetBucketNotificationConfigurationInput) -> GetBucketNotificationConfigurationOutput, Default::default());
empty!(versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput, Default::default());
empty!(request_payment(GetBucketRequestPaymentInput) -> GetBucketRequestPaymentOutput,
    GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) });

absent!(cors(GetBucketCorsInput) -> GetBucketCorsOutput,
    "NoSuchCORSConfiguration", "The CORS configuration does not exist");
absent!(encryption(GetBucketEncryptionInput) -> GetBucketEncryptionOutput,
    "ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found");
absent!(lifecycle(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput,
    "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
absent!(object_lock(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput,
    "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket");
absent!(ownership(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput,
    "OwnershipControlsNotFoundError", "The bucket ownership controls were not found");
absent!(policy(GetBucketPolicyInput) -> GetBucketPolicyOutput,
    "NoSuchBucketPolicy", "The bucket policy does not exist");
absent!(policy_status(GetBucketPolicyStatusInput) -> GetBucketPolicyStatusOutput,
    "NoSuchBucketPolicy", "The bucket policy does not exist");
absent!(public_access_block(GetPublicAccessBlockInput) -> GetPublicAccessBlockOutput,
    "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found");
absent!(replication(GetBucketReplicationInput) -> GetBucketReplicationOutput,
    "ReplicationConfigurationNotFoundError", "The replication configuration was not found");
absent!(tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput,
    "NoSuchTagSet", "The TagSet does not exist");
absent!(website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput,
    "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration");
