#![doc = include_str!("../docs/architecture.md")]

mod blob;
pub mod counts;
mod error;
pub mod faults;
mod filesystem;
mod key;
#[cfg(any(test, feature = "laws"))]
pub mod laws;
pub mod layers;
mod length;
mod memory;
mod range;
mod uploads;

pub use blob::{
    BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Damaged, Deployment, Facts, Listed, SizeHint, Stored,
};
pub use error::{BlobError, BlobErrorKind, BodyError, PutOutcome};
pub use filesystem::{Fatal, FilesystemBlobs, FilesystemOptions};
pub use key::BlobKey;
pub use length::LengthMismatch;
pub use memory::MemoryBlobs;
