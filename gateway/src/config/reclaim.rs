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
    /// Age at which the sweeper takes a blob that no record, part, ticket or queue row names for left over. The sweeper is not in this
    /// build: `terrace fsck --repair` does its work.
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
        let default = Self::default().sweep_age;
        problems.require(
            self.sweep_age == default,
            "reclaim.sweep_age",
            "the sweeper is not in this build yet; leave it out, and use terrace fsck --repair",
        );
    }
}
