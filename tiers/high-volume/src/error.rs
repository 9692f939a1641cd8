//! What can go wrong below the transaction trait, by what the caller must do next.

use std::error::Error;

/// What to do next. The names follow FoundationDB's error classes (developer guide, "Transactions in FoundationDB").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvErrorKind {
    /// A concurrent transaction wrote what this one read: run again (`not_committed`).
    Conflict,
    /// The read version has left the window of 5 s: run again from a fresh one (`transaction_too_old`).
    TooOld,
    /// The commit may have happened. Settled: the attempt is no longer in flight (`commit_unknown_result`); else it may still land.
    MaybeCommitted {
        /// Whether the attempt can no longer land.
        settled: bool,
    },
    /// Retry, slower.
    Throttled,
    /// Not reachable, or being closed: retry later.
    Unavailable,
    /// A key, value or transaction above the limits: a bug above the waist, never a client's doing.
    TooLarge,
    /// Not expected here.
    Bug,
}

/// An error of a transaction: its kind, and what the engine said.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct KvError {
    kind: KvErrorKind,
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl KvError {
    /// An error of `kind`; `what` says on one line what was being done, without values of users.
    #[must_use]
    pub fn new(kind: KvErrorKind, what: &'static str) -> Self {
        Self { kind, what, source: None }
    }

    /// The same with the engine's own error as the cause.
    #[must_use]
    pub fn caused(
        kind: KvErrorKind,
        what: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, what, source: Some(source.into()) }
    }

    /// What to do next.
    #[must_use]
    pub fn kind(&self) -> KvErrorKind {
        self.kind
    }
}
