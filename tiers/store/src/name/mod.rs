//! Validated names. A value of these types is well formed; nothing below checks again.

mod bucket_name;
mod object_key;
mod part_number;
mod revision;

pub use bucket_name::BucketName;
pub use object_key::ObjectKey;
pub use part_number::PartNumber;
pub use revision::{BucketId, Node, Revision, UploadId};
