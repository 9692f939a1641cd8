//! Holding reclaim back as a whole, while a backup or a proof looks at both tiers.

use std::sync::Arc;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// A lock that holders share and a deletion takes alone.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    lock: Arc<RwLock<()>>,
}

/// Nothing is deleted while it lives.
#[derive(Debug)]
pub(crate) struct Hold {
    _shared: OwnedRwLockReadGuard<()>,
}

/// A deletion is under way while it lives.
#[derive(Debug)]
pub(crate) struct Deleting {
    _alone: OwnedRwLockWriteGuard<()>,
}

impl Holds {
    pub(crate) async fn hold(&self) -> Hold {
        Hold { _shared: Arc::clone(&self.lock).read_owned().await }
    }

    /// Leave to delete; `None` while somebody holds.
    pub(crate) fn delete(&self) -> Option<Deleting> {
        Arc::clone(&self.lock).try_write_owned().ok().map(|alone| Deleting { _alone: alone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_deletion_begins_under_a_hold_and_a_hold_waits_for_one_under_way() {
        let holds = Holds::default();
        let hold = holds.hold().await;
        assert!(holds.delete().is_none());
        drop(hold);
        let deleting = holds.delete().unwrap();
        assert!(tokio::time::timeout(std::time::Duration::ZERO, holds.hold()).await.is_err());
        drop(deleting);
        holds.hold().await;
    }
}
