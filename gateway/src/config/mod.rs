//! Settings: plain data, one section a file, with defaults that are the one-machine product. Precedence: flags > environment
//! `TERRACE_<SECTION>__<FIELD>` > TOML file > default. Not components: those are built in `assemble.rs` alone.

mod admin;
mod auth;
mod credentials;
mod directory;
mod duration;
mod environment;
mod etag;
mod high_volume;
mod load;
mod log;
mod long_term;
mod metrics;
mod problem;
mod reclaim;
mod secret;
mod server;
mod size;
mod space;
#[cfg(test)]
mod tests;
mod traces;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use admin::AdminSettings;
pub use auth::AuthSettings;
pub use credentials::{CREDENTIALS_FILE, Credentials, CredentialsError};
pub use directory::make_directory;
pub use etag::{EtagMode, EtagSettings};
pub use high_volume::{DurabilitySetting, FdbSettings, HighVolumeBackend, HighVolumeSettings, INLINE_CAP};
pub use load::{ConfigError, Overrides, Sources, check_file};
pub use log::{AccessLog, LogFormat, LogSettings};
pub use long_term::{GcsSettings, LongTermBackend, LongTermSettings};
pub use metrics::MetricsSettings;
pub use problem::{Problem, Problems};
pub use reclaim::ReclaimSettings;
pub use secret::Secret;
pub use server::{ServerSettings, TlsSettings};
pub use space::SpaceSettings;
pub use traces::{Ratio, TracesSettings};

/// All settings of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Directory of both embedded tiers and of what the gateway keeps for itself (`TERRACE_DATA_DIR`).
    pub data_dir: PathBuf,
    /// The S3 listener.
    pub server: ServerSettings,
    /// The admin listener.
    pub admin: AdminSettings,
    /// Keys and signatures.
    pub auth: AuthSettings,
    /// The tier of records and small bodies.
    pub high_volume: HighVolumeSettings,
    /// The tier of large bodies.
    pub long_term: LongTermSettings,
    /// Reclaim of blobs.
    pub reclaim: ReclaimSettings,
    /// How `ETag`s are made.
    pub etag: EtagSettings,
    /// Free space that writes must leave.
    pub space: SpaceSettings,
    /// What is logged.
    pub log: LogSettings,
    /// What is counted on request.
    pub metrics: MetricsSettings,
    /// Spans of requests.
    pub traces: TracesSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./terrace-data"),
            server: ServerSettings::default(),
            admin: AdminSettings::default(),
            auth: AuthSettings::default(),
            high_volume: HighVolumeSettings::default(),
            long_term: LongTermSettings::default(),
            reclaim: ReclaimSettings::default(),
            etag: EtagSettings::default(),
            space: SpaceSettings::default(),
            log: LogSettings::default(),
            metrics: MetricsSettings::default(),
            traces: TracesSettings::default(),
        }
    }
}

impl Settings {
    /// Everything that is wrong with these values taken together.
    ///
    /// # Errors
    /// All problems, with the path of each.
    pub fn validate(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        problems.require(!self.data_dir.as_os_str().is_empty(), "data_dir", "must not be empty");
        self.server.validate(&mut problems);
        let same = self.admin.listen == self.server.listen && self.server.listen.port() != 0;
        problems.require(!same, "admin.listen", "must differ from server.listen");
        self.auth.validate(&mut problems);
        self.high_volume.validate(&mut problems);
        self.long_term.validate(&mut problems);
        self.reclaim.validate(&mut problems);
        self.log.validate(&mut problems);
        self.metrics.validate(&mut problems);
        self.traces.validate(&mut problems);
        if problems.0.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The settings as a TOML file that says the same, secrets redacted.
    ///
    /// # Errors
    /// A path that is not UTF-8 has no TOML spelling.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}
