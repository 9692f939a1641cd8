//! Numbers that a seed decides.

use parking_lot::Mutex;

/// A sequence of numbers (`SplitMix64`: Steele, Lea, Flood 2014). Shared by reference; the order of calls decides who gets which.
pub(crate) struct Random {
    state: Mutex<u64>,
}

impl Random {
    /// The sequence that `seed` and `purpose` make: what one purpose draws does not move another's.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let random = Self { state: Mutex::new(seed ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03)) };
        random.next();
        random
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.state.lock();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end` (at least 1).
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True `per_mille` times of a thousand.
    pub(crate) fn chance(&self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of `choices`, of which there must be one.
    pub(crate) fn pick<'c, T>(&self, choices: &'c [T]) -> &'c T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or(0)]
    }
}
