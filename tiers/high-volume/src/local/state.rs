//! The engine's own row: version of the last commit and of the catalog. It is the first row of every batch, in a keyspace that no
//! user key can reach, so it is as durable as the batch and tells the journals' reader what a batch holds.

use crate::kv::{CatalogVersion, Stamp, Version};

pub(super) const KEY: &[u8] = b"state";
pub(super) const LENGTH: usize = 18;

pub(super) fn encode(version: Version, catalog: CatalogVersion) -> [u8; LENGTH] {
    let mut row = [0; LENGTH];
    let (high, low) = row.split_at_mut(8);
    high.copy_from_slice(&version.0.to_be_bytes());
    low.copy_from_slice(&catalog.0.0);
    row
}

pub(super) fn decode(row: &[u8]) -> Option<(Version, CatalogVersion)> {
    let (version, stamp) = row.split_first_chunk::<8>()?;
    let stamp: [u8; 10] = stamp.try_into().ok()?;
    Some((Version(u64::from_be_bytes(*version)), CatalogVersion(Stamp(stamp))))
}
