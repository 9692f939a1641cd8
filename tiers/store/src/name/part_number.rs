//! Part numbers.

use crate::error::Refusal;

/// Number of a part within its upload: 1 to 10,000 (S3 user guide, "Amazon S3 multipart upload limits").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// Highest part number.
    pub const MAX: u16 = 10_000;

    /// Checks a number.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] outside 1 to 10,000.
    pub fn new(number: i32) -> Result<Self, Refusal> {
        u16::try_from(number)
            .ok()
            .filter(|n| (1..=Self::MAX).contains(n))
            .map(Self)
            .ok_or(Refusal::InvalidArgument("Part number must be an integer between 1 and 10000, inclusive"))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_run_from_1_to_10000() {
        assert!([1, 10_000].iter().all(|n| PartNumber::new(*n).is_ok()));
        assert!([0, -1, 10_001, i32::MAX].iter().all(|n| PartNumber::new(*n).is_err()));
    }
}
