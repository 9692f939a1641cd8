//! What a client can ask of the store, one file an operation.

pub mod bucket;
pub mod multipart;
pub mod object;

pub(crate) mod skip_scan;

use tokio::task::JoinHandle;

use crate::error::{Failure, FailureKind, Result};

/// Waits for an operation that runs to its end even if nobody waits.
pub(crate) async fn join<T>(task: JoinHandle<Result<T>>, operation: &'static str) -> Result<T> {
    task.await
        .unwrap_or_else(|died| Err(Failure::new(FailureKind::Bug, operation, "store").because(died).into()))
}
