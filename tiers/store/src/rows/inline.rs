//! `D`: bodies small enough for the high-volume tier, in chunks. Key: last byte of the revision, revision, chunk: the random byte in
//! front spreads bodies that were minted one after the other. The value is the bytes and nothing else.

use terrace_high_volume::{Key, KeyRange};

use crate::name::Revision;
use crate::rows::{Family, codec};

/// Bytes of a chunk; the last one of a body may be shorter.
pub(crate) const CHUNK: usize = 65_536;

/// Most bytes of an inline body: as many chunks as a byte counts.
pub(crate) const MAX: u64 = 256 * CHUNK as u64;

/// Row of a chunk, counted from 0.
pub(crate) fn key(body: Revision, chunk: u8) -> Key {
    codec::key(Family::Inline, &[&[body.spread()], &body.0, &[chunk]])
}

/// Rows of a body of `size` bytes (at most [`MAX`]) in order, for one parallel read.
pub(crate) fn keys(body: Revision, size: u64) -> Vec<Key> {
    let chunks = size.min(MAX).div_ceil(CHUNK as u64);
    (0..=u8::MAX).take(chunks as usize).map(|chunk| key(body, chunk)).collect()
}

/// All rows of a body.
pub(crate) fn range(body: Revision) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Inline, &[&[body.spread()], &body.0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    #[test]
    fn a_body_has_a_row_for_each_64_kib_begun() {
        let rows = |size| keys(Revision([3; 16]), size).len();
        let sizes = [0, 1, 65_536, 65_537, 1 << 20, MAX, MAX + 1, u64::MAX];
        assert_eq!(sizes.map(rows), [0, 1, 1, 2, 16, 256, 256, 256]);
    }

    proptest! {
        #[test]
        fn the_rows_of_a_body_are_in_order_and_in_its_range_alone(
            (body, other) in (sample::revision(), sample::revision()), size in 1..=MAX,
        ) {
            let rows = keys(body, size);
            prop_assert!(rows.is_sorted());
            prop_assert!(rows.iter().all(|row| range(body).contains(row)));
            prop_assert_eq!(range(other).contains(&rows[0]), other == body);
        }
    }
}
