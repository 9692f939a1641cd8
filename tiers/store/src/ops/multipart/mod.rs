//! Operations on multipart uploads.

mod abort;
mod complete;
mod copy_part;
mod create;
mod list_parts;
pub(crate) mod list_uploads;
mod upload_part;
mod whole;

pub use complete::{CompleteUpload, CompletedPart};
pub use copy_part::CopyPart;
pub use create::CreateUpload;
pub use list_parts::{ListedPart, PartListing};
pub use list_uploads::{ListUploads, ListedUpload, UploadListing};
pub use upload_part::{UploadPart, UploadRef};
pub use whole::{Given, GivenChecksum};

use terrace_high_volume::{Mutation, Transaction};

use crate::name::UploadId;
use crate::reclaim::queue;
use crate::rows;
use crate::rows::finished::Finished;
use crate::rows::garbage::{Class, DAY_MS, Garbage, Reason, Waste};
use crate::store::Store;

/// Remembers how an upload ended, for a day, for clients that ask again.
fn finish(store: &Store, txn: &dyn Transaction, upload: UploadId, how: &Finished) {
    txn.mutate(Mutation::Set { key: rows::finished::key(upload), value: how.encode() });
    let not_before_ms = store.clock.wall().saturating_add(DAY_MS);
    let forget = Garbage { what: Waste::Finished(upload), size: 0, reason: Reason::Expired, not_before_ms };
    queue::put(txn, Class::Day, &[forget]);
}
