//! What a client can ask of the store, one file an operation.

pub mod bucket;
pub mod multipart;
pub mod object;

pub(crate) mod skip_scan;
