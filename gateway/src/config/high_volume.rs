//! `[high_volume]`: the tier of records and small bodies.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problems;
use super::{duration, size};

/// Most bytes a body may have inline (data-model.md, D12: the hard cap).
pub const INLINE_CAP: u64 = 1 << 20;

/// Which engine, and when a commit is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HighVolumeSettings {
    /// The engine.
    pub backend: HighVolumeBackend,
    /// Bodies of at most this many bytes are kept in this tier; larger ones go to the long-term tier.
    #[serde(with = "size")]
    pub inline_max: u64,
    /// When a commit of an object is durable.
    pub durability: DurabilitySetting,
    /// With durability `interval`: the longest time an acknowledged commit of an object may be lost for.
    #[serde(with = "duration")]
    pub sync_interval: Duration,
    /// Settings of the engine `fdb`.
    pub fdb: FdbSettings,
}

/// Engines of the high-volume tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HighVolumeBackend {
    /// Embedded, in the data directory.
    #[default]
    Local,
    /// A `FoundationDB` cluster.
    Fdb,
}

/// When a commit of an object is durable. Tickets and changes of the catalog are synced at once in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurabilitySetting {
    /// Before it is acknowledged.
    #[default]
    Always,
    /// At most `sync_interval` after it is acknowledged.
    Interval,
}

/// `FoundationDB`; not in this build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FdbSettings {
    /// The cluster file.
    pub cluster_file: Option<PathBuf>,
    /// Path of `libfdb_c`.
    pub client_library: Option<PathBuf>,
    /// Prefix of all keys.
    pub prefix: Option<String>,
}

impl Default for HighVolumeSettings {
    fn default() -> Self {
        Self {
            backend: HighVolumeBackend::default(),
            inline_max: INLINE_CAP,
            durability: DurabilitySetting::default(),
            sync_interval: Duration::from_millis(100),
            fdb: FdbSettings::default(),
        }
    }
}

impl HighVolumeSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(
            self.backend == HighVolumeBackend::Local && self.fdb == FdbSettings::default(),
            "high_volume.backend",
            "fdb is not in this build yet; use local, and leave high_volume.fdb out",
        );
        problems.require(self.inline_max <= INLINE_CAP, "high_volume.inline_max", "must be at most 1MiB");
        problems.require(
            (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&self.sync_interval),
            "high_volume.sync_interval",
            "must be from 1ms to 60s",
        );
    }
}
