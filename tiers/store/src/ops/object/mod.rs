//! Operations on objects.

mod attributes;
mod copy;
mod delete;
mod delete_many;
mod get;
mod head;
pub(crate) mod list;
mod put;

pub use attributes::{ObjectAttributes, PartInfo};
pub use copy::{Copied, CopyObject, CopySource, MetadataDirective};
pub use delete_many::Deleted;
pub use get::{GetObject, ObjectInfo, ObjectRead, Part, Selection};
pub use list::{ListObjects, ListedObject, Listing};
pub use put::{Body, PutObject, Written};
