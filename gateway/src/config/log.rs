//! `[log]`: what is written to standard error, and the S3 access log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Filter, such as `info` or `warn,terrace_store=debug`. The target `s3s` never goes below `info`: at `debug` it shows signatures.
    pub level: String,
    /// One line of text or one JSON object an event.
    pub format: LogFormat,
    /// Level of the line that each request leaves in the log.
    pub access: AccessLog,
    /// File of the S3 access log, one line a request in the format of S3 server access logs; `-`: standard output. Opened anew at SIGHUP.
    pub access_file: Option<PathBuf>,
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text, in colour on a terminal.
    #[default]
    Text,
    /// JSON.
    Json,
}

/// Level of the access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// No line.
    Off,
    /// Shown when `log.level` shows `debug`.
    #[default]
    Debug,
    /// Shown when `log.level` shows `info`.
    Info,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::default(),
            access: AccessLog::default(),
            access_file: None,
        }
    }
}

impl LogSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.level) {
            problems.add("log.level", format!("is not a filter: {error}"));
        }
    }
}
