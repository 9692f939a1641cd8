//! `[long_term]`: the tier of large bodies.

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// Which blob store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LongTermSettings {
    /// The blob store.
    pub backend: LongTermBackend,
    /// Settings of the blob store `gcs`.
    pub gcs: GcsSettings,
}

/// Blob stores of the long-term tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LongTermBackend {
    /// Files below the data directory.
    #[default]
    Filesystem,
    /// Google Cloud Storage.
    Gcs,
}

/// Google Cloud Storage; not in this build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcsSettings {
    /// The bucket.
    pub bucket: Option<String>,
    /// Prefix of all blob names.
    pub prefix: Option<String>,
}

impl LongTermSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(
            self.backend == LongTermBackend::Filesystem && self.gcs == GcsSettings::default(),
            "long_term.backend",
            "gcs is not in this build yet; use filesystem, and leave long_term.gcs out",
        );
    }
}
