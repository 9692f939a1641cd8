//! Values that describe an object: no rows, no tiers.

mod checksum;
mod condition;
mod etag;
mod metadata;
mod range;

pub use checksum::{Algorithm, Checksum, ChecksumSlot};
pub use condition::{DeleteCondition, ETagList, IfRange, ReadCondition, WriteCondition};
pub use etag::ETag;
pub use metadata::{CopiedMetadata, Metadata, StandardHeader};
pub use range::{RangeRequest, resolve};
