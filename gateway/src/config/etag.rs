//! `[etag]`: what an `ETag` is made of.

use serde::{Deserialize, Serialize};

use super::problem::Problems;

/// How `ETag`s are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EtagSettings {
    /// What they are made of.
    pub mode: EtagMode,
}

/// What an `ETag` is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EtagMode {
    /// The revision of the body: costs nothing, and shaped so that no client takes it for an MD5.
    #[default]
    Revision,
    /// The MD5 of the body: costs one hash of each body. Not in this build.
    Md5,
}

impl EtagSettings {
    pub(super) fn validate(self, problems: &mut Problems) {
        problems.require(
            self.mode == EtagMode::Revision,
            "etag.mode",
            "md5 is not in this build yet; use revision",
        );
    }
}
