//! `[auth]`: the keys of the gateway's owner, and what signatures are accepted.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::problem::Problems;
use super::secret::Secret;

/// Keys and signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// Access key of the owner. Without keys a loopback start generates a pair and keeps it in the data directory.
    pub access_key: Option<String>,
    /// File that holds the access key; its trailing line end is not part of it.
    pub access_key_file: Option<PathBuf>,
    /// Secret key of the owner.
    pub secret_key: Option<Secret>,
    /// File that holds the secret key; its trailing line end is not part of it.
    pub secret_key_file: Option<PathBuf>,
    /// Whether presigned URLs of signature version 2 are accepted, for GET, HEAD and PUT of objects (still what some tools make).
    pub presigned_v2: bool,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            access_key: None,
            access_key_file: None,
            secret_key: None,
            secret_key_file: None,
            presigned_v2: true,
        }
    }
}

impl AuthSettings {
    /// Replaces the `_file` twins by what the files hold.
    pub(super) fn read_files(&mut self, problems: &mut Problems) {
        for (both, path) in [
            (self.access_key.is_some() && self.access_key_file.is_some(), "auth.access_key"),
            (self.secret_key.is_some() && self.secret_key_file.is_some(), "auth.secret_key"),
        ] {
            problems.require(!both, path, "is set, and its _file twin as well: set one of them");
        }
        if let Some(file) = &self.access_key_file {
            match read(file) {
                Ok(text) => self.access_key = Some(text),
                Err(error) => problems.add("auth.access_key_file", unreadable(file, &error)),
            }
        }
        if let Some(file) = &self.secret_key_file {
            match read(file) {
                Ok(text) => self.secret_key = Some(Secret::new(text)),
                Err(error) => problems.add("auth.secret_key_file", unreadable(file, &error)),
            }
        }
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        let access = self.access_key.is_some() || self.access_key_file.is_some();
        let secret = self.secret_key.is_some() || self.secret_key_file.is_some();
        if access && !secret {
            problems
                .add("auth.secret_key", "missing: set TERRACE_AUTH__SECRET_KEY as well (or its _FILE twin)");
        }
        if secret && !access {
            problems
                .add("auth.access_key", "missing: set TERRACE_AUTH__ACCESS_KEY as well (or its _FILE twin)");
        }
        if let Some(key) = &self.access_key {
            let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            problems.require(
                (3..=128).contains(&key.len()) && key.chars().all(right),
                "auth.access_key",
                "must be 3 to 128 letters, digits, '-', '_' and '.'",
            );
        }
        if let Some(key) = &self.secret_key {
            problems.require(
                (8..=128).contains(&key.expose().len()) && key.expose().bytes().all(|b| b.is_ascii_graphic()),
                "auth.secret_key",
                "must be 8 to 128 printable ASCII characters without spaces",
            );
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    let text = std::fs::read_to_string(file)?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn unreadable(file: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", file.display())
}
