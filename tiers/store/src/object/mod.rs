//! Values that describe an object: no rows, no tiers.

mod checksum;
mod condition;
mod etag;
mod metadata;
mod range;

pub use checksum::{Algorithm, Checksum, ChecksumChoice, ChecksumSlot, ChecksumType, ObjectChecksum};
pub use condition::{DeleteCondition, ETagList, IfRange, ReadCondition, WriteCondition};
pub use etag::{Bare, ETag, ETagMode};
pub use metadata::{CopiedMetadata, Metadata, StandardHeader};
pub use range::{RangeRequest, resolve};
