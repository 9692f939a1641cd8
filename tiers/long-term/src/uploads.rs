//! Puts under way, so that a delete can take back those that have not landed yet. Not locked: each backend keeps it under the lock
//! that also guards its last step.

use std::collections::BTreeSet;

use crate::key::BlobKey;

/// What tells two blobs apart: bucket id and revision. The key adds nothing, because a revision is minted once.
pub(crate) type Name = (u64, [u8; 16]);

pub(crate) fn name_of(key: &BlobKey) -> Name {
    (key.bid, key.rev)
}

/// The puts that may still land. A put that is not in here must not.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    last: u64,
    open: BTreeSet<(Name, u64)>,
}

impl Uploads {
    /// Enters a put; the number tells it from other puts of the same blob.
    pub(crate) fn begin(&mut self, name: Name) -> u64 {
        self.last += 1;
        self.open.insert((name, self.last));
        self.last
    }

    pub(crate) fn may_land(&self, name: Name, upload: u64) -> bool {
        self.open.contains(&(name, upload))
    }

    /// Takes a put out, landed or given up. Whether it was still in.
    pub(crate) fn end(&mut self, name: Name, upload: u64) -> bool {
        self.open.remove(&(name, upload))
    }

    /// The puts of a blob.
    pub(crate) fn of(&self, name: Name) -> Vec<u64> {
        self.open.range((name, 0)..=(name, u64::MAX)).map(|(_, upload)| *upload).collect()
    }
}

#[cfg(test)]
impl Uploads {
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }
}
