//! Whether the gateway should be sent requests.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// The reasons why it should not; none means ready.
#[derive(Debug, Default)]
pub struct Readiness {
    reasons: Mutex<BTreeSet<&'static str>>,
}

impl Readiness {
    /// Not ready, for `reason`.
    pub fn hold(&self, reason: &'static str) {
        self.reasons.lock().insert(reason);
    }

    /// `reason` holds no more.
    pub fn release(&self, reason: &'static str) {
        self.reasons.lock().remove(reason);
    }

    /// The reasons, sorted.
    #[must_use]
    pub fn reasons(&self) -> Vec<&'static str> {
        self.reasons.lock().iter().copied().collect()
    }
}
