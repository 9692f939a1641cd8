//! Numbers an operator may turn.

use std::time::Duration;

use crate::object::ETagMode;

/// Settings of a store. The default is the one-machine product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Largest body kept in the high-volume tier, in bytes; at most [`Settings::INLINE_CAP`].
    pub inline_max: usize,
    /// How long a write runs its transaction again before it gives up.
    pub deadline: Duration,
    /// How long the blob of a replaced or deleted object stays for readers that hold the old record.
    pub grace: Duration,
    /// Smallest part of an upload but for the last, in bytes; S3's own limit is 5 MiB.
    pub smallest_part: u64,
    /// Age, by its revision, from which a blob that no row names is taken for left over by the sweeper.
    pub sweep_age: Duration,
    /// What the ETags of new objects and parts are made of. What is there keeps the ETag it has.
    pub etag: ETagMode,
}

impl Settings {
    /// The hard cap on `inline_max`: a transaction stays far below 10 MB.
    pub const INLINE_CAP: usize = 1 << 20;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inline_max: Self::INLINE_CAP,
            deadline: Duration::from_secs(20),
            grace: Duration::from_secs(5),
            smallest_part: 5 << 20,
            sweep_age: Duration::from_secs(3_600),
            etag: ETagMode::Revision,
        }
    }
}
