//! What can go wrong with a blob, by what the caller must do next.

use std::error::Error;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobErrorKind {
    /// The body that was being stored broke off: not the backend's fault, nothing was stored. The source is the body's own error.
    Body,
    /// Not reachable, or its container is missing: retry later.
    Unavailable,
    /// Retry, slower.
    Throttled,
    /// No answer within the time allowed.
    TimedOut,
    /// No room for the bytes.
    NoSpace,
    /// What was stored is not what is there: page someone.
    Corrupt,
    /// Not expected here.
    Bug,
}

/// How a put that failed ended. Matters to who cleans up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// Not stored, and it never will be.
    Settled,
    /// It may be there, or may still appear.
    Unknown,
}

/// An error of a blob store.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct BlobError {
    kind: BlobErrorKind,
    outcome: PutOutcome,
    what: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Why the stream of a body broke off, from whoever made the stream. Passed through unchanged, so that the front can tell its client.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off")]
pub struct BodyError {
    /// The stream's own error.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl BodyError {
    /// Wraps the stream's own error.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

impl BlobError {
    /// An error after which nothing is stored by the call that failed. `what` says on one line what was being done, without values
    /// of users.
    #[must_use]
    pub fn settled(kind: BlobErrorKind, what: &'static str) -> Self {
        Self { kind, outcome: PutOutcome::Settled, what, source: None }
    }

    /// An error after which a blob may be there, or still appear.
    #[must_use]
    pub fn unknown(kind: BlobErrorKind, what: &'static str) -> Self {
        Self { kind, outcome: PutOutcome::Unknown, what, source: None }
    }

    /// The broken body of a put. Nothing is stored.
    #[must_use]
    pub fn body(error: BodyError) -> Self {
        Self::settled(BlobErrorKind::Body, "read the body of a put").because(error)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to do next.
    #[must_use]
    pub fn kind(&self) -> BlobErrorKind {
        self.kind
    }

    /// For a put: whether the blob may be there or still appear.
    #[must_use]
    pub fn outcome(&self) -> PutOutcome {
        self.outcome
    }

    /// The body's own error, if that is what broke the put; else the error itself again.
    ///
    /// # Errors
    /// Itself, when the body was not the cause.
    pub fn into_body_error(self) -> Result<BodyError, Self> {
        if self.kind != BlobErrorKind::Body {
            return Err(self);
        }
        let Self { kind, outcome, what, source } = self;
        match source.map(|source| source.downcast::<BodyError>()) {
            Some(Ok(body)) => Ok(*body),
            Some(Err(other)) => Err(Self { kind, outcome, what, source: Some(other) }),
            None => Err(Self { kind, outcome, what, source: None }),
        }
    }
}
