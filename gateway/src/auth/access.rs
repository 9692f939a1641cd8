//! The two plugs that make s3s deny whatever the guard did not admit.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::credentials::Identity;

/// Access check of s3s: a request whose extensions carry no [`Identity`] is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Access;

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        match cx.extensions_mut().get::<Identity>() {
            Some(_) => Ok(()),
            None => Err(s3_error!(AccessDenied, "Access Denied")),
        }
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
