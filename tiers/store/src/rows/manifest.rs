//! `Q`: the parts of a completed multipart object, in pages. Key: last byte of the body's revision, revision, page number.

use std::ops::Range;

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::Revision;
use crate::object::{Algorithm, Checksum};
use crate::rows::part::PartAt;
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;
const CHECKSUMMED: u8 = 0x80;

/// Most parts on a page: 10,000 parts are 10 pages, each at most 64 KiB.
pub(crate) const PAGE: usize = 1_000;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Revision of the part.
    pub(crate) rev: Revision,
    /// Where the part ends in the body: the offset behind its last byte. It begins where the part before it ends.
    pub(crate) end_offset: u64,
    /// Where its bytes are.
    pub(crate) at: PartAt,
    /// Value of its checksum, of the page's algorithm.
    pub(crate) checksum: Option<Bytes>,
}

/// Value of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Where its first part begins in the body.
    pub(crate) begin: u64,
    /// Kind of the parts' checksums; without it no part has one.
    pub(crate) algorithm: Option<Algorithm>,
    /// Its parts in order, at most [`PAGE`].
    pub(crate) entries: Vec<Entry>,
}

/// Row of a page, counted from 0.
pub(crate) fn key(body: Revision, page: u16) -> Key {
    codec::key(Family::Manifest, &[&[body.spread()], &body.0, &page.to_be_bytes()])
}

/// Rows of a body of `parts` parts in order, for one parallel read.
pub(crate) fn keys(body: Revision, parts: u32) -> Vec<Key> {
    let pages = (parts as usize).div_ceil(PAGE);
    (0..=u16::MAX).take(pages).map(|page| key(body, page)).collect()
}

/// All pages of a body.
pub(crate) fn range(body: Revision) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Manifest, &[&[body.spread()], &body.0]))
}

/// Divides the parts of a body into pages.
pub(crate) fn paginate(algorithm: Option<Algorithm>, entries: &[Entry]) -> Vec<Page> {
    let mut begin = 0;
    let page = |entries: &[Entry]| {
        let page = Page { begin, algorithm, entries: entries.to_vec() };
        begin = page.end();
        page
    };
    entries.chunks(PAGE).map(page).collect()
}

impl Page {
    /// Where its last part ends in the body.
    pub(crate) fn end(&self) -> u64 {
        self.entries.last().map_or(self.begin, |entry| entry.end_offset)
    }

    /// Its parts with the bytes of the body that they hold.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (Range<u64>, &Entry)> {
        let begins = std::iter::once(self.begin).chain(self.entries.iter().map(|entry| entry.end_offset));
        begins.zip(&self.entries).map(|(begin, entry)| (begin..entry.end_offset, entry))
    }

    /// The checksum of one of its parts.
    pub(crate) fn checksum(&self, entry: &Entry) -> Option<Checksum> {
        Some(Checksum { algorithm: self.algorithm?, value: entry.checksum.clone()? })
    }

    /// Its value. A checksum where the page names no algorithm is left out.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            writer.byte(self.algorithm.map_or(0, |algorithm| algorithm as u8));
            writer.varint(self.begin);
            writer.varint(self.entries.len() as u64);
            for entry in &self.entries {
                let checksum = entry.checksum.as_ref().filter(|_| self.algorithm.is_some());
                writer.byte(entry.at as u8 | if checksum.is_some() { CHECKSUMMED } else { 0 });
                writer.revision(entry.rev);
                writer.varint(entry.end_offset);
                checksum.into_iter().for_each(|value| writer.raw(value));
            }
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`], also where parts are not in order.
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Manifest, VERSION, value, |reader| {
            let algorithm = reader.algorithm()?;
            let begin = reader.varint()?;
            let count = reader.small::<usize>().filter(|count| *count <= PAGE)?;
            let mut page = Self { begin, algorithm, entries: Vec::with_capacity(count) };
            for _ in 0..count {
                let place = reader.byte()?;
                let at = PartAt::from_code(place & !CHECKSUMMED)?;
                let rev = reader.revision()?;
                let end = reader.varint().filter(|end| *end >= page.end())?;
                let checksum = match place & CHECKSUMMED {
                    0 => None,
                    _ => Some(reader.shared(algorithm?.width())?),
                };
                page.entries.push(Entry { rev, end_offset: end, at, checksum });
            }
            Some(page)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn entries(count: usize, size: u64, width: usize) -> Vec<Entry> {
        let entry = |index: u64| Entry {
            rev: Revision([index as u8; 16]),
            end_offset: (index + 1) * size,
            at: PartAt::Blob,
            checksum: Some(vec![index as u8; width].into()),
        };
        (0..count as u64).map(entry).collect()
    }

    #[test]
    fn the_largest_page_fits_64_kib() {
        let five_gib = 5 << 30;
        let pages = paginate(Some(Algorithm::Sha256), &entries(10_000, five_gib, 32));
        assert_eq!(pages.len(), 10);
        assert!(pages.iter().all(|page| page.encode().len() <= 65_536));
        assert_eq!(keys(Revision([1; 16]), 10_000).len(), 10);
    }

    #[test]
    fn the_spans_of_all_pages_are_the_body_without_a_gap() {
        let pages = paginate(None, &entries(2_001, 7, 0));
        let spans: Vec<_> = pages.iter().flat_map(|page| page.spans().map(|(span, _)| span)).collect();
        assert_eq!(spans.len(), 2_001);
        assert_eq!(spans[0], 0..7);
        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(pages.last().map(Page::end), Some(2_001 * 7));
    }

    #[test]
    fn parts_that_run_backwards_are_refused() {
        let mut page = Page { begin: 10, algorithm: None, entries: entries(1, 9, 0) };
        assert!(Page::decode(&page.encode()).is_err());
        page.begin = 9;
        assert!(Page::decode(&page.encode()).is_ok());
    }

    proptest! {
        #[test]
        fn the_pages_of_a_body_are_in_order_and_in_its_range_alone(
            (body, other) in (sample::revision(), sample::revision()), parts in 1_u32..=10_000,
        ) {
            let rows = keys(body, parts);
            prop_assert!(rows.is_sorted() && rows.iter().all(|row| range(body).contains(row)));
            prop_assert_eq!(range(other).contains(&rows[0]), other == body);
        }

        #[test]
        fn a_page_reads_back_as_it_was_written(
            begin in 0_u64..1 << 40, algorithm in option::of(sample::algorithm()),
            parts in vec((sample::revision(), 0_u64..1 << 33, 0_u8..3, any::<bool>()), 0..9),
        ) {
            let mut end = begin;
            let entry = |(rev, size, at, checksummed): (_, u64, _, bool)| {
                end += size;
                let width = algorithm.filter(|_| checksummed).map(Algorithm::width);
                let checksum = width.map(|width| Bytes::from(vec![7; width]));
                Entry { rev, end_offset: end, at: PartAt::from_code(at).unwrap(), checksum }
            };
            let page = Page { begin, algorithm, entries: parts.into_iter().map(entry).collect() };
            prop_assert_eq!(Page::decode(&page.encode()), Ok(page.clone()));
            sample::assert_guarded(&page.encode(), Page::decode);
        }
    }
}
