//! Operations on multipart uploads.

mod abort;
mod complete;
mod copy_part;
mod create;
mod list_parts;
pub(crate) mod list_uploads;
mod upload_part;

pub use complete::{CompleteUpload, CompletedPart};
pub use copy_part::CopyPart;
pub use create::CreateUpload;
pub use list_parts::{ListedPart, PartListing};
pub use list_uploads::{ListUploads, ListedUpload, UploadListing};
pub use upload_part::{UploadPart, UploadRef};
