//! What a copy of both tiers needs from the store: that nothing is deleted meanwhile, and the names of the blobs that belong to a snapshot.
//!
//! Order: freeze, take the engine's snapshot, name the blobs that the snapshot names (on a store opened over it with [`Store::inspect`]), copy
//! those, thaw. A blob that the snapshot names exists, or belongs to a ticket that was open and may have none yet.

use terrace_long_term::{BlobKey, Deployment};

use crate::error::Result;
use crate::fsck::Class;
use crate::reclaim::Hold;
use crate::store::Store;

/// Nothing is deleted from the long-term tier while it lives.
#[derive(Debug)]
pub struct Frozen {
    _hold: Hold,
}

/// A blob that belongs to a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBlob {
    /// Its name.
    pub blob: BlobKey,
    /// Whether the copy is broken without it; else it may be missing.
    pub required: bool,
}

impl Store {
    /// Holds reclaim back; returns once no deletion is under way.
    pub async fn freeze(&self) -> Frozen {
        Frozen { _hold: self.reclaim.hold().await }
    }

    /// Every blob that rows name: about 100 bytes of memory each.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn named_blobs(&self) -> Result<Vec<NamedBlob>> {
        let named = self.scan().await?;
        let blob = |claim: crate::fsck::Claim| {
            let required = claim.classes.iter().any(|class| matches!(class, Class::Part | Class::Body));
            NamedBlob { blob: claim.blob, required }
        };
        Ok(named.claims.into_values().map(blob).collect())
    }

    /// The id that binds both tiers.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn deployment(&self) -> Result<Option<Deployment>> {
        Ok(self.deployment_id().await?.map(|id| id.0))
    }
}
