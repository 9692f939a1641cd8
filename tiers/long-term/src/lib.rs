#![doc = include_str!("../docs/architecture.md")]

mod blob;
mod error;
mod key;

pub use blob::{
    BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, Listed, SizeHint, Stored,
};
pub use error::{BlobError, BlobErrorKind, BodyError, PutOutcome};
pub use key::BlobKey;
