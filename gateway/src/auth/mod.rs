//! Who asks, and did the body arrive as it was signed: everything the gateway knows of signatures.
//!
//! The one verifier is [`guard::Guard`]; it runs before s3s and hands it a request without a signature. s3s is built with
//! [`NoKeys`] (its presence turns access checks on) and [`Access`] (denies whatever carries no [`Identity`]), so that a
//! request that went around the guard is denied. Policies are not here: an identity may do everything or nothing.

mod access;
mod body_refusal;
pub(crate) mod checksum;
mod credentials;
pub mod guard;
mod refusal;

pub use access::{Access, NoKeys};
pub use body_refusal::BodyRefusal;
pub use credentials::{Credential, Credentials, Identity, Secret, StaticCredentials};
pub use refusal::{Refusal, RequestId};
pub use terrace_store::object::ChecksumSlot;
