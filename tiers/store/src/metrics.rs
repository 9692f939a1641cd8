//! What the store counts.

use prometheus::{IntCounter, Registry};
use terrace_long_term::layers::measure::{TierMetrics, TierRecorder};
use terrace_long_term::{BlobError, BlobErrorKind};

use crate::error::{Failure, FailureKind};
use crate::store::Store;

/// What the store measures itself: its own counters, and the bodies that the high-volume tier takes and gives. The long-term tier is measured
/// by its layer.
pub(crate) struct Metrics {
    /// Bodies in the high-volume tier.
    pub(crate) high_volume: TierRecorder,
    /// Objects whose body was missing.
    pub(crate) orphan_reads: IntCounter,
    /// Blobs that the sweeper found unnamed.
    pub(crate) swept: IntCounter,
}

impl Metrics {
    pub(crate) fn register(
        registry: &Registry,
        tiers: &TierMetrics,
        backend: &str,
    ) -> Result<Self, prometheus::Error> {
        let orphan_reads = IntCounter::new(
            "orphan_reads_total",
            "Reads of objects whose body was missing on the long-term tier",
        )?;
        let swept = IntCounter::new(
            "orphans_swept_total",
            "Blobs on the long-term tier that nothing named, queued for reclaim by the sweeper",
        )?;
        registry.register(Box::new(orphan_reads.clone()))?;
        registry.register(Box::new(swept.clone()))?;
        Ok(Self { high_volume: tiers.recorder("high_volume", backend), orphan_reads, swept })
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
