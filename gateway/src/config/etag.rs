//! `[etag]`: what an `ETag` is made of.

use serde::{Deserialize, Serialize};
use terrace_store::object::ETagMode;

/// How `ETag`s are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EtagSettings {
    /// What they are made of.
    pub mode: EtagMode,
}

/// What the `ETag` of a new object or part is made of. What is there keeps the one it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EtagMode {
    /// The revision of the body: costs nothing, and shaped so that no client takes it for an MD5.
    #[default]
    Revision,
    /// The MD5 of the body, as S3 makes them: costs one MD5 of each body, about 2 ms of a core a MiB.
    Md5,
}

impl From<EtagMode> for ETagMode {
    fn from(mode: EtagMode) -> Self {
        match mode {
            EtagMode::Revision => Self::Revision,
            EtagMode::Md5 => Self::Md5,
        }
    }
}
