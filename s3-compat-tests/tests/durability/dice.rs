//! Randomness that a seed repeats.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use s3_compat_tests::environment;

/// Numbers that depend on the seed alone (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Of the seed that `TERRACE_TEST_SEED` sets, else of another one each time; it is printed.
    pub(crate) fn thrown(test: &str) -> Self {
        let seed = environment::seed().unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
        println!("{test}: TERRACE_TEST_SEED={seed}");
        Self(seed)
    }

    /// Dice of their own for a part of a test.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// `true` once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
