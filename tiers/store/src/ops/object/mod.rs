//! Operations on objects.

mod attributes;
mod copy;
mod delete;
mod delete_many;
pub(crate) mod get;
mod head;
pub(crate) mod list;
pub(crate) mod manifest;
pub(crate) mod put;
pub(crate) mod record;

pub use attributes::{ObjectAttributes, PartInfo};
pub use copy::{CopyObject, CopySource, MetadataDirective};
pub use delete_many::Deleted;
pub use get::{GetObject, ObjectInfo, ObjectRead, Part, Selection};
pub use list::{ListObjects, ListedObject, Listing};
pub use put::{Body, PutObject, Written};
