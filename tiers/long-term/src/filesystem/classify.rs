//! What an error of the operating system means to the caller.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use tokio::task::JoinError;

use super::footer::FooterError;
use crate::error::{BlobError, BlobErrorKind};

/// What the owner does when the disk can no longer be trusted: an fsync failed, and not for lack of space. The kernel may have dropped
/// the bytes and would answer the next fsync with success, so the process must stop. Told what was being done and the error; it is
/// called on a blocking thread and is not expected to return, but the store survives it if it does.
pub type Fatal = Arc<dyn Fn(&'static str, &io::Error) + Send + Sync>;

pub(super) fn kind(error: &io::Error) -> BlobErrorKind {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => BlobErrorKind::NoSpace,
        _ => BlobErrorKind::Unavailable,
    }
}

/// An error after which nothing is stored.
pub(super) fn settled(what: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |error| BlobError::settled(kind(&error), what).because(error)
}

/// An error after which the blob may be there.
pub(super) fn unknown(what: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |error| BlobError::unknown(kind(&error), what).because(error)
}

pub(super) fn footer(error: FooterError) -> BlobError {
    match error {
        FooterError::Io(error) => settled("read the footer of a blob")(error),
        FooterError::Damage(damage) => {
            BlobError::settled(BlobErrorKind::Corrupt, "read a blob").because(damage)
        }
    }
}

/// A blocking step panicked, or the runtime went away under it.
pub(super) fn joined<T>(outcome: Result<Result<T, BlobError>, JoinError>) -> Result<T, BlobError> {
    outcome.unwrap_or_else(|error| {
        Err(BlobError::unknown(BlobErrorKind::Bug, "run a blocking step of the blob store").because(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_space_is_told_from_everything_else() {
        use rustix::io::Errno;
        for (errno, expected) in [
            (Errno::NOSPC, BlobErrorKind::NoSpace),
            (Errno::DQUOT, BlobErrorKind::NoSpace),
            (Errno::FBIG, BlobErrorKind::NoSpace),
            (Errno::IO, BlobErrorKind::Unavailable),
            (Errno::ROFS, BlobErrorKind::Unavailable),
            (Errno::MFILE, BlobErrorKind::Unavailable),
            (Errno::STALE, BlobErrorKind::Unavailable),
            (Errno::ACCESS, BlobErrorKind::Unavailable),
        ] {
            assert_eq!(kind(&errno.into()), expected, "{errno}");
        }
    }
}
