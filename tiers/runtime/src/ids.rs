//! Ids and randomness, injected, so that a seed decides them all in a simulation.

use parking_lot::Mutex;
use std::sync::Arc;

use crate::clock::Clock;

/// Where ids and random numbers come from.
pub trait Ids: Send + Sync + 'static {
    /// A fresh uuid v7 (RFC 9562, section 5.7), big-endian bytes: names one body, one upload or one operation, for ever.
    fn revision(&self) -> [u8; 16];

    /// 64 random bits, for node ids, jitter and secrets of low value. Not predictable on [`SystemIds`].
    fn random(&self) -> u64;
}

/// Ids of a running gateway: the machine's clock and its random source.
#[derive(Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that mints a uuid v7")]
    fn revision(&self) -> [u8; 16] {
        uuid::Uuid::now_v7().into_bytes()
    }

    fn random(&self) -> u64 {
        // getrandom fails only where the operating system has no random source; the low half of a uuid v7 is random as well.
        getrandom::u64().unwrap_or_else(|_| {
            let [.., a, b, c, d, e, f, g, h] = self.revision();
            u64::from_be_bytes([a, b, c, d, e, f, g, h])
        })
    }
}

/// Ids that depend on a seed and on an injected clock alone: the same seed mints the same ids in the same order.
pub struct SeededIds {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    word: u64,
    last_ms: u64,
    counter: u16,
}

impl SeededIds {
    /// A source that starts from `seed`.
    #[must_use]
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::new(State { word: seed, last_ms: 0, counter: 0 }) }
    }
}

impl State {
    /// `SplitMix64` (Steele, Lea, Flood 2014): one multiply-xor-shift round a number.
    fn next(&mut self) -> u64 {
        self.word = self.word.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.word;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Ids for SeededIds {
    fn revision(&self) -> [u8; 16] {
        let mut state = self.state.lock();
        let now = self.clock.wall();
        if now > state.last_ms {
            (state.last_ms, state.counter) = (now, 0);
        } else {
            state.counter = (state.counter + 1) & 0x0FFF;
            if state.counter == 0 {
                state.last_ms += 1;
            }
        }
        let random = state.next() & 0x3FFF_FFFF_FFFF_FFFF;
        let high = (state.last_ms << 16) | 0x7000 | u64::from(state.counter);
        let low = 0x8000_0000_0000_0000 | random;
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
    }

    fn random(&self) -> u64 {
        self.state.lock().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn the_same_seed_mints_the_same_ids_in_rising_order() {
        let mint = |seed| {
            let ids = SeededIds::new(seed, Arc::new(ManualClock::at(1_700_000_000_000)));
            (0..5_000).map(|_| ids.revision()).collect::<Vec<_>>()
        };
        let ids = mint(7);
        assert_eq!(ids, mint(7));
        assert_ne!(ids, mint(8));
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| uuid::Uuid::from_bytes(*id).get_version_num() == 7));
    }

    #[test]
    fn system_ids_differ_and_are_version_7() {
        let (a, b) = (SystemIds.revision(), SystemIds.revision());
        assert!(a < b);
        assert_eq!(uuid::Uuid::from_bytes(a).get_version_num(), 7);
        assert_ne!(SystemIds.random(), SystemIds.random());
    }
}
