//! Bodies that tell which they are: no two have a word in common.

use std::collections::BTreeMap;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::history::BodyId;

/// Every body that was ever sent in a run.
#[derive(Default)]
pub(crate) struct Bodies {
    sent: Mutex<BTreeMap<u64, Bytes>>,
}

impl Bodies {
    /// A body of `length` bytes that is like no other, once it has 8 bytes or more.
    pub(crate) fn make(&self, length: usize) -> (BodyId, Bytes) {
        let mut sent = self.sent.lock();
        let id = sent.len() as u64 + 1;
        let words = (0..length.div_ceil(8) as u64).flat_map(|word| ((id << 16) | word).to_be_bytes());
        let bytes: Bytes = words.take(length).collect();
        sent.insert(id, bytes.clone());
        (BodyId(id), bytes)
    }

    /// A body put together from others: `bytes` as they will be read.
    pub(crate) fn compose(&self, bytes: Bytes) -> BodyId {
        if let Some(same) = self.find(&bytes) {
            return same;
        }
        let mut sent = self.sent.lock();
        let id = sent.len() as u64 + 1;
        sent.insert(id, bytes);
        BodyId(id)
    }

    /// All bytes of a body.
    pub(crate) fn bytes(&self, body: BodyId) -> Option<Bytes> {
        self.sent.lock().get(&body.0).cloned()
    }

    /// The body of which `bytes` are all.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<BodyId> {
        self.sent.lock().iter().find(|(_, body)| **body == *bytes).map(|(id, _)| BodyId(*id))
    }

    /// Whether some body of `size` bytes has `part` at `begin`.
    pub(crate) fn has(&self, size: u64, begin: u64, part: &[u8]) -> bool {
        let Ok(begin) = usize::try_from(begin) else { return false };
        let has =
            |body: &Bytes| body.len() as u64 == size && body.get(begin..begin + part.len()) == Some(part);
        self.sent.lock().values().any(has)
    }
}
