//! `[admin]`: the listener for health, metrics and operators.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The admin listener. It serves `/healthz`, `/readyz`, `/metrics` and `/status` to whoever reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// Address and port; port 0 takes any free one.
    pub listen: SocketAddr,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9001)) }
    }
}
