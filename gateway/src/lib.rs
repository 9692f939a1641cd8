//! The gateway of Terrace.

pub mod auth;
pub mod s3;
