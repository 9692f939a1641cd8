//! What a stale listing does not know yet.

use std::collections::{BTreeMap, VecDeque};

use crate::blob::{BlobPage, Listed};
use crate::key::BlobKey;

/// Changes that are remembered.
const MOST: usize = 1_024;

#[derive(Clone, Debug)]
enum Change {
    Stored(u64),
    /// With the size, if the blob was stored through here.
    Deleted(Option<u64>),
}

/// The last changes of a store, oldest first.
#[derive(Debug, Default)]
pub(super) struct Changes {
    log: VecDeque<(BlobKey, Change)>,
}

impl Changes {
    pub(super) fn stored(&mut self, key: &BlobKey, size: u64) {
        self.push(key, Change::Stored(size));
    }

    pub(super) fn deleted(&mut self, key: &BlobKey) {
        let size =
            self.log.iter().rev().find(|(other, _)| other == key).and_then(|(_, change)| match change {
                Change::Stored(size) => Some(*size),
                Change::Deleted(_) => None,
            });
        self.push(key, Change::Deleted(size));
    }

    fn push(&mut self, key: &BlobKey, change: Change) {
        if self.log.len() == MOST {
            self.log.pop_front();
        }
        self.log.push_back((key.clone(), change));
    }

    /// Makes a page of bucket `bid` what it was before the last `unseen` changes: what was stored since is not on it, what was deleted
    /// since is on the last page.
    pub(super) fn take_back(&self, bid: u64, unseen: usize, page: &mut BlobPage) {
        let recent = self.log.iter().rev().take(unseen).filter(|(key, _)| key.bid == bid);
        // From the newest to the oldest: the oldest change of a blob says what was before all of them.
        let before: BTreeMap<_, _> = recent.map(|(key, change)| (key, change)).collect();
        page.blobs.retain(|listed| !matches!(before.get(&listed.key), Some(Change::Stored(_))));
        if page.next.is_some() {
            return;
        }
        for (key, change) in before {
            if let Change::Deleted(Some(size)) = change
                && !page.blobs.iter().any(|listed| listed.key == *key)
            {
                page.blobs.push(Listed { key: key.clone(), size: *size });
            }
        }
    }
}
