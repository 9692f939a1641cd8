//! `[space]`: what is kept free on the disks of the data directory (data-model.md, section 4, "Space").

use serde::{Deserialize, Serialize};

use super::size;

/// Free space that writes must leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpaceSettings {
    /// Below this many free bytes writes are refused; deletes go on. Unset: the larger of 512 MiB and 2 % of the disk.
    #[serde(with = "size::optional", skip_serializing_if = "Option::is_none")]
    pub reserve: Option<u64>,
    /// Bytes of a file that is given back when even the reserve is used up; 0 for none. Small disks and memory disks get none.
    #[serde(with = "size")]
    pub ballast: u64,
}

impl Default for SpaceSettings {
    fn default() -> Self {
        Self { reserve: None, ballast: 256 << 20 }
    }
}
