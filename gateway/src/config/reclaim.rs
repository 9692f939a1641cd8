//! `[reclaim]`: when bytes that nothing names any more are deleted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;
use super::problem::Problems;

/// Reclaim of blobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReclaimSettings {
    /// Time between the moment a blob is given up and its deletion: readers that are slower read again (data-model.md, D8, D14).
    #[serde(with = "duration")]
    pub grace: Duration,
    /// Age, by its revision, from which a blob that no record, part, ticket or queue row names is taken for left over. The sweeper looks at a
    /// page of blobs a minute (or in this time, if it is shorter), and rests for this time when it has seen all. At least one second.
    #[serde(with = "duration")]
    pub sweep_age: Duration,
}

impl Default for ReclaimSettings {
    fn default() -> Self {
        Self { grace: Duration::from_secs(5), sweep_age: Duration::from_secs(3_600) }
    }
}

impl ReclaimSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(
            self.sweep_age >= Duration::from_secs(1),
            "reclaim.sweep_age",
            "at least 1s: the sweeper looks through all blobs this often",
        );
    }
}
