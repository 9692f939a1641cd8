//! Ranges of bytes.

use std::ops::Range;

use crate::error::Refusal;

/// One `bytes=` range of a request (RFC 9110, section 14.1.2). S3 answers requests for several ranges with the whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// From `first` to `last`, both inclusive; to the end without `last`.
    From {
        /// First byte.
        first: u64,
        /// Last byte, inclusive.
        last: Option<u64>,
    },
    /// The last so many bytes.
    Suffix(u64),
}

/// The bytes of a body of `size` that a request means, end exclusive, clamped to the body.
///
/// # Errors
/// [`Refusal::RangeUnsatisfiable`] when no byte is meant: always so for an empty body.
pub fn resolve(range: RangeRequest, size: u64) -> Result<Range<u64>, Refusal> {
    let bytes = match range {
        RangeRequest::From { first, last } => {
            first..last.map_or(size, |last| last.saturating_add(1).min(size))
        }
        RangeRequest::Suffix(count) => size.saturating_sub(count)..size,
    };
    if bytes.is_empty() { Err(Refusal::RangeUnsatisfiable { size }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clamped_and_empty_ones_refused() {
        let from = |first, last| RangeRequest::From { first, last };
        assert_eq!(resolve(from(0, None), 10).unwrap(), 0..10);
        assert_eq!(resolve(from(3, Some(3)), 10).unwrap(), 3..4);
        assert_eq!(resolve(from(3, Some(u64::MAX)), 10).unwrap(), 3..10);
        assert_eq!(resolve(RangeRequest::Suffix(4), 10).unwrap(), 6..10);
        assert_eq!(resolve(RangeRequest::Suffix(40), 10).unwrap(), 0..10);
        for (bad, size) in
            [(from(10, None), 10), (from(5, Some(4)), 10), (RangeRequest::Suffix(0), 10), (from(0, None), 0)]
        {
            assert_eq!(resolve(bad, size).unwrap_err(), Refusal::RangeUnsatisfiable { size });
        }
    }
}
