//! The gateway of Terrace.

pub mod s3;
