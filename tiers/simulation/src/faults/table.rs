//! Which operation can meet which fault.

use crate::faults::{Fault, Operation, Touch};

/// Whether `operation` can meet `fault`; `Err`: why not. A run in which one that cannot does nonetheless shows that this table is wrong.
///
/// # Errors
/// The reason.
pub fn meets(operation: Operation, fault: Fault) -> Result<(), &'static str> {
    if operation.touches().contains(&fault.strikes()) {
        return Ok(());
    }
    Err(match fault.strikes() {
        Touch::Read | Touch::Get => "it reads no row",
        Touch::Version => "it names no bucket, so it does not ask at which version it reads",
        Touch::Range => "it reads no range of rows",
        Touch::Commit => "it writes no row",
        Touch::BlobPut => "it stores no blob: a body that small is a row, or there is none",
        Touch::BlobGet => "it reads no blob",
        Touch::BlobList => "only a sweep lists blobs",
        Touch::BlobDelete => "only reclaim deletes blobs, whoever made them waste",
        Touch::BlobLook => "it asks the long-term tier for bytes, never for facts",
        Touch::BlobCopy => "only a copy of a large object copies a blob",
        Touch::Body => "it has no body",
        Touch::Call => "it is no client's call: clients and nodes fail while calls are under way",
    })
}
