//! Readers of the long-term tier, by the version at which they read the record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use terrace_high_volume::Version;

/// Versions that readers hold, with how many hold each.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    held: Mutex<BTreeMap<Version, usize>>,
    last_seen: AtomicU64,
}

/// A reader's claim; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    pins: Arc<Pins>,
    version: Version,
}

impl Pins {
    pub(crate) fn pin(self: &Arc<Self>, version: Version) -> Pin {
        *self.held.lock().entry(version).or_insert(0) += 1;
        Pin { pins: Arc::clone(self), version }
    }

    /// Registered before the reader asks for its version, so that nothing can be deleted between the two.
    pub(crate) fn pin_ahead(self: &Arc<Self>) -> Pin {
        let mut held = self.held.lock();
        let version = Version(self.last_seen.load(Ordering::Acquire));
        *held.entry(version).or_insert(0) += 1;
        Pin { pins: Arc::clone(self), version }
    }

    pub(crate) fn seen(&self, version: Version) {
        self.last_seen.fetch_max(version.0, Ordering::AcqRel);
    }

    /// Whether a reader may still see what a commit at `version` took away: one that read before it.
    pub(crate) fn guard(&self, version: Version) -> bool {
        self.held.lock().first_key_value().is_some_and(|(oldest, _)| *oldest < version)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.pins.held.lock();
        if let Some(count) = held.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_guards_what_was_taken_away_after_it_and_nothing_else() {
        let pins = Arc::new(Pins::default());
        let (early, late) = (pins.pin(Version(10)), pins.pin(Version(20)));
        let again = pins.pin(Version(10));
        assert!(pins.guard(Version(11)) && !pins.guard(Version(10)));
        drop(early);
        assert!(pins.guard(Version(11)));
        drop(again);
        assert!(!pins.guard(Version(11)) && pins.guard(Version(21)));
        pins.seen(Version(15));
        pins.seen(Version(12));
        let ahead = pins.pin_ahead();
        assert!(pins.guard(Version(16)) && !pins.guard(Version(15)));
        drop((late, ahead));
        assert!(!pins.guard(Version(u64::MAX)));
    }
}
