//! The two plugs that make s3s deny whatever the guard did not admit.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use super::credentials::Identity;
use crate::telemetry::requests::{Operation, RequestRecord, Routed};

/// Access check of s3s: a request whose extensions carry no [`Identity`] is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access;

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(identity) = cx.extensions_mut().get::<Identity>().cloned() else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        if let Some(record) = cx.extensions_mut().get::<Arc<RequestRecord>>().cloned() {
            let (bucket, key) = match cx.s3_path() {
                _ if !record.is_named() => (None, None),
                S3Path::Root => (None, None),
                S3Path::Bucket { bucket } => (Some(bucket), None),
                S3Path::Object { bucket, key } => (Some(bucket), Some(key)),
            };
            record.routed(Routed {
                operation: Operation::named(cx.s3_op().name()),
                bucket: bucket.map(|name| name.to_string()),
                key: key.map(|name| name.to_string()),
                requester: identity,
            });
        }
        Ok(())
    }
}

/// Auth provider of s3s that knows no key: its presence turns access checks on, and a signature that reached s3s around
/// the guard is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeys;

#[async_trait::async_trait]
impl S3Auth for NoKeys {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(s3_error!(InvalidAccessKeyId))
    }
}
