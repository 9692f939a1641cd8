//! What was written lately, so that a commit can tell whether somebody wrote what it has read.

use std::collections::{BTreeMap, VecDeque};

use crate::error::{KvError, KvErrorKind};
use crate::kv::Version;
use crate::range::{Key, KeyRange};

/// Most bytes of the window, its own overhead included (roughly).
const MAX_BYTES: usize = 16 << 20;
/// What an entry costs beside its key: a node's share of the map and a place in the queue.
const ENTRY: usize = 96;

/// The conflict window: every key and range written above [`floor`](Self::floor).
#[derive(Debug, Default)]
pub(super) struct Window {
    keys: BTreeMap<Key, Version>,
    ranges: VecDeque<(Version, KeyRange)>,
    /// The keys in the order they were written; one that was written again stands here twice.
    order: VecDeque<(Version, Key)>,
    bytes: usize,
    floor: Version,
}

impl Window {
    /// A window for a store whose last commit was `version`.
    pub(super) fn above(version: Version) -> Self {
        Self { floor: version, ..Self::default() }
    }

    /// Whether nothing in `keys` and `ranges` was written above `read`.
    ///
    /// # Errors
    /// `Conflict`; `TooOld` if the window no longer reaches back to `read`.
    pub(super) fn check(&self, read: Version, keys: &[Key], ranges: &[KeyRange]) -> Result<(), KvError> {
        if keys.is_empty() && ranges.is_empty() {
            return Ok(());
        }
        if read < self.floor {
            return Err(KvError::new(
                KvErrorKind::TooOld,
                "the conflict window no longer holds the read version",
            ));
        }
        if keys.iter().any(|key| self.key_written(read, key))
            || ranges.iter().any(|range| self.range_written(read, range))
        {
            return Err(KvError::new(KvErrorKind::Conflict, "a concurrent transaction wrote what was read"));
        }
        Ok(())
    }

    fn key_written(&self, read: Version, key: &Key) -> bool {
        self.keys.get(key).is_some_and(|written| *written > read)
            || self.ranges_above(read).any(|range| range.contains(key))
    }

    fn range_written(&self, read: Version, range: &KeyRange) -> bool {
        if range.is_empty() {
            return false;
        }
        self.keys.range::<[u8], _>(range.bounds()).any(|(_, written)| *written > read)
            || self.ranges_above(read).any(|written| written.overlaps(range))
    }

    fn ranges_above(&self, read: Version) -> impl Iterator<Item = &KeyRange> {
        self.ranges.iter().rev().take_while(move |(written, _)| *written > read).map(|(_, range)| range)
    }

    /// Notes a write. Versions must not fall from call to call.
    pub(super) fn key(&mut self, version: Version, key: Key) {
        self.bytes += key.len() + ENTRY;
        self.order.push_back((version, key.clone()));
        self.keys.insert(key, version);
    }

    /// Notes a write of a whole range.
    pub(super) fn range(&mut self, version: Version, range: KeyRange) {
        if !range.is_empty() {
            self.bytes += range.begin.len() + range.end.len() + ENTRY;
            self.ranges.push_back((version, range));
        }
    }

    /// Lets go of what no open transaction can conflict with (`oldest` is the lowest read version that may still commit), then of
    /// the oldest entries until the window is within its bytes.
    pub(super) fn prune(&mut self, oldest: Version) {
        loop {
            let front = match (self.order.front(), self.ranges.front()) {
                (None, None) => break,
                (Some((key, _)), Some((range, _))) => *key.min(range),
                (Some((version, _)), None) | (None, Some((version, _))) => *version,
            };
            if front > oldest && self.bytes <= MAX_BYTES {
                break;
            }
            self.forget(front);
        }
        if self.keys.is_empty() && self.ranges.is_empty() {
            self.order.shrink_to(1_024);
            self.ranges.shrink_to(1_024);
        }
    }

    /// Drops everything written at `version`, the lowest in the window.
    fn forget(&mut self, version: Version) {
        while let Some((_, key)) = self.order.pop_front_if(|(written, _)| *written <= version) {
            self.bytes -= key.len() + ENTRY;
            if self.keys.get(&key).is_some_and(|written| *written <= version) {
                self.keys.remove(&key);
            }
        }
        while let Some((_, range)) = self.ranges.pop_front_if(|(written, _)| *written <= version) {
            self.bytes -= range.begin.len() + range.end.len() + ENTRY;
        }
        self.floor = self.floor.max(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::copy_from_slice(name.as_bytes())
    }

    fn kind(result: Result<(), KvError>) -> Option<KvErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn a_key_conflicts_only_with_writes_above_the_read_version() {
        let mut window = Window::above(Version(10));
        window.key(Version(11), key("a"));
        window.range(Version(12), KeyRange::new("m", "p"));
        assert_eq!(kind(window.check(Version(11), &[key("a")], &[])), None);
        assert_eq!(kind(window.check(Version(10), &[key("a")], &[])), Some(KvErrorKind::Conflict));
        assert_eq!(kind(window.check(Version(11), &[key("n")], &[])), Some(KvErrorKind::Conflict));
        assert_eq!(kind(window.check(Version(11), &[key("p")], &[])), None);
        assert_eq!(kind(window.check(Version(12), &[], &[KeyRange::new("a", "z")])), None);
        assert_eq!(
            kind(window.check(Version(10), &[], &[KeyRange::new("a", "b")])),
            Some(KvErrorKind::Conflict)
        );
        assert_eq!(kind(window.check(Version(9), &[key("q")], &[])), Some(KvErrorKind::TooOld));
    }

    #[test]
    fn a_full_window_drops_the_oldest_and_says_too_old_to_what_began_before() {
        let mut window = Window::above(Version(0));
        let long = "k".repeat(9_000);
        for version in 1..=3_000_u64 {
            window.key(Version(version), key(&format!("{version:04}{long}")));
            window.prune(Version(0));
        }
        assert!(window.bytes <= MAX_BYTES);
        assert!(window.floor > Version(0));
        assert_eq!(kind(window.check(Version(0), &[key("x")], &[])), Some(KvErrorKind::TooOld));
        assert_eq!(kind(window.check(window.floor, &[key("x")], &[])), None);
    }

    #[test]
    fn a_key_written_again_stays_after_its_first_write_is_dropped() {
        let mut window = Window::above(Version(0));
        window.key(Version(1), key("a"));
        window.key(Version(2), key("a"));
        window.prune(Version(1));
        assert_eq!(kind(window.check(Version(1), &[key("a")], &[])), Some(KvErrorKind::Conflict));
        window.prune(Version(2));
        assert_eq!((window.keys.len(), window.order.len(), window.bytes), (0, 0, 0));
    }
}
