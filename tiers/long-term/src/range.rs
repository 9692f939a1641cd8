//! Ranges of a blob.

use std::ops::Range;

/// The part of `range` (bytes, end exclusive; `None` = all) that lies inside a body of `size` bytes; empty where none does.
pub(crate) fn clamp(range: Option<Range<u64>>, size: u64) -> Range<u64> {
    let Some(range) = range else { return 0..size };
    let end = range.end.min(size);
    range.start.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_never_leaves_the_body() {
        assert_eq!(clamp(None, 10), 0..10);
        assert_eq!(clamp(Some(2..5), 10), 2..5);
        assert_eq!(clamp(Some(2..50), 10), 2..10);
        assert!(clamp(Some(20..50), 10).is_empty());
        #[expect(clippy::reversed_empty_ranges, reason = "what a caller may pass")]
        let reversed = clamp(Some(5..2), 10);
        assert!(reversed.is_empty());
    }
}
