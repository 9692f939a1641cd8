//! What the store counts.

use prometheus::{IntCounter, Registry};
use terrace_long_term::BlobError;

use crate::error::{Failure, FailureKind};
use crate::store::Store;
use terrace_long_term::BlobErrorKind;

/// Counters of the store itself; those of the tiers are measured at the tiers.
pub(crate) struct Metrics {
    /// Objects whose body was missing.
    pub(crate) orphan_reads: IntCounter,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let orphan_reads = IntCounter::new(
            "orphan_reads_total",
            "Reads of objects whose body was missing on the long-term tier",
        )?;
        registry.register(Box::new(orphan_reads.clone()))?;
        Ok(Self { orphan_reads })
    }
}

impl Store {
    /// The one table from a blob store's kind to a failure's.
    pub(crate) fn blob_failure(&self, operation: &'static str, error: BlobError) -> Failure {
        let kind = match error.kind() {
            BlobErrorKind::Unavailable => FailureKind::Unavailable,
            BlobErrorKind::Throttled => FailureKind::Throttled,
            BlobErrorKind::TimedOut => FailureKind::TimedOut,
            BlobErrorKind::NoSpace => FailureKind::NoSpace,
            BlobErrorKind::Corrupt => FailureKind::Corrupt,
            BlobErrorKind::Body | BlobErrorKind::Bug => FailureKind::Bug,
        };
        Failure::new(kind, operation, self.blobs.facts().name).because(error)
    }
}
