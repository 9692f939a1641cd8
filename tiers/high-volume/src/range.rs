//! Keys, half-open ranges of keys, and pages of rows.

use std::ops::Bound;

use bytes::Bytes;

/// A key: at most 10,000 bytes, compared as bytes.
pub type Key = Bytes;

/// All keys from `begin` (inclusive) to `end` (exclusive). Empty when `begin >= end`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRange {
    /// First key in the range.
    pub begin: Key,
    /// First key behind the range.
    pub end: Key,
}

/// Whether a read takes part in conflict detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A commit fails if what was read has been written since.
    Serializable,
    /// Sees the same version, adds no conflict.
    Snapshot,
}

/// How a range is read: in mode `Exact`, so that a listing costs what it returns.
#[derive(Clone, Copy, Debug)]
pub struct RangeOptions {
    /// Most rows to return, at least 1.
    pub limit: usize,
    /// Last keys first.
    pub reverse: bool,
    /// Conflicts or none. A serializable read conflicts on the part of the range that was really read.
    pub read: Read,
}

/// One answer to a range read, in the order of the read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Key and value of each row.
    pub rows: Vec<(Key, Bytes)>,
    /// Whether rows may follow: the page holds as many as were asked for. `false`: the range ends here. Never true with no rows.
    /// FoundationDB's `more` as well says no more than that (C API, `fdb_future_get_keyvalue_array`).
    pub more: bool,
}

impl KeyRange {
    /// From `begin` (inclusive) to `end` (exclusive).
    #[must_use]
    pub fn new(begin: impl Into<Key>, end: impl Into<Key>) -> Self {
        Self { begin: begin.into(), end: end.into() }
    }

    /// Every key that begins with `prefix`. A prefix of nothing but 0xFF bytes has no end within the user's key space and ends at
    /// 0xFF repeated past the longest key.
    #[must_use]
    pub fn prefix(prefix: impl Into<Key>) -> Self {
        let begin: Key = prefix.into();
        let end = strinc(&begin).unwrap_or_else(|| Bytes::from(vec![0xFF; 10_001]));
        Self { begin, end }
    }

    /// One key alone.
    #[must_use]
    pub fn single(key: &Key) -> Self {
        Self { begin: key.clone(), end: after(key) }
    }

    /// Whether no key is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begin >= self.end
    }

    /// Whether `key` is in it.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.begin <= *key && *key < *self.end
    }

    /// For a range of a map. Maps panic on a range that ends before it begins: ask [`is_empty`](Self::is_empty) first.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (Bound::Included(&self.begin), Bound::Excluded(&self.end))
    }

    /// Whether some key is in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.is_empty() && !other.is_empty() && self.begin < other.end && other.begin < self.end
    }
}

/// The first key behind `key`.
#[must_use]
pub fn after(key: &[u8]) -> Key {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

/// The first key that does not begin with `prefix` and sorts behind all that do (FoundationDB's `strinc`); `None` if there is none.
#[must_use]
pub fn strinc(prefix: &[u8]) -> Option<Key> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_range_holds_exactly_what_begins_with_it() {
        let range = KeyRange::prefix(&b"a\xFF"[..]);
        assert_eq!(&*range.end, b"b");
        assert!(range.contains(b"a\xFF") && range.contains(b"a\xFF\xFFz"));
        assert!(!range.contains(b"a\xFE") && !range.contains(b"b"));
        assert!(KeyRange::prefix(&b"\xFF"[..]).contains(b"\xFF\xFF\xFF"));
    }

    #[test]
    fn ranges_overlap_only_when_a_key_is_in_both() {
        let range = |a: &'static str, b: &'static str| KeyRange::new(a, b);
        assert!(range("a", "c").overlaps(&range("b", "d")));
        assert!(!range("a", "b").overlaps(&range("b", "c")));
        assert!(!range("b", "b").overlaps(&range("a", "c")));
        assert!(KeyRange::single(&Bytes::from_static(b"k")).contains(b"k"));
        assert!(!KeyRange::single(&Bytes::from_static(b"k")).contains(b"k\0"));
    }
}
