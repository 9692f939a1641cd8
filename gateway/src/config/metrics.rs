//! `[metrics]`: what `/metrics` shows beside what it always shows.

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// Most buckets that may have a label: each is a series of its own in whoever collects them.
const LABELS_MAX: usize = 1_000;

/// Metrics that cost whoever collects them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsSettings {
    /// Buckets that `s3_bucket_requests_total` counts by name, those that are used first; all others are counted together. 0: no metric by bucket.
    pub bucket_labels: usize,
}

impl MetricsSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(self.bucket_labels <= LABELS_MAX, "metrics.bucket_labels", "must be at most 1000");
    }
}
