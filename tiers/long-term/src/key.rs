//! What names a blob.

use bytes::Bytes;
use std::fmt;

/// The name of one body: bucket id, object key, revision. A structure; each backend derives its own name from it, and no backend
/// makes a path from the user's bytes. Two keys with the same `rev` are the same blob: a revision is minted once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// Bucket id, never reused.
    pub bid: u64,
    /// The object's key, 1 to 1,024 bytes.
    pub key: Bytes,
    /// Revision: a uuid v7, big-endian.
    pub rev: [u8; 16],
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{}/", self.bid, self.key.escape_ascii())?;
        self.rev.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
