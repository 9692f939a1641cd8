//! Paging through rows that are named by object keys, folding keys at a delimiter (data model, "Delimiter skip scan"): what is folded is
//! jumped over, not read. Pure but for the rows, which come from a [`Source`].

use std::future::Future;

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange, Page, Read, Transaction, after, strinc};

use crate::name::BucketId;
use crate::rows::{Damaged, Family};
use crate::transact::{Stop, first};

/// Most entries on a page of any listing (S3 API, `max-keys`).
pub(crate) const PAGE: usize = 1_000;
/// Rows of the first read of a scan that folds.
const FIRST_WINDOW: usize = 16;
/// Most single rows that are read one after the other before two are tried again.
const LEAST_TRIALS: usize = 15;

/// Rows in the order of their keys, all at one version.
pub(crate) trait Source {
    /// Why there are none.
    type Error: From<Damaged>;

    /// The first rows of a range, at most `limit`.
    fn rows(&self, range: KeyRange, limit: usize) -> impl Future<Output = Result<Page, Self::Error>> + Send;
}

/// A transaction, read without conflicts.
pub(crate) struct Snapshot<'t>(pub(crate) &'t dyn Transaction);

impl Source for Snapshot<'_> {
    type Error = Stop;

    async fn rows(&self, range: KeyRange, limit: usize) -> Result<Page, Stop> {
        Ok(first(self.0, range, limit, Read::Snapshot).await?)
    }
}

/// A family of rows named by object keys.
pub(crate) trait Named {
    /// Its letter.
    const FAMILY: Family;

    /// What a listing shows of a row.
    type Item;

    /// In front of the rows of `key`, behind those of lesser keys; a prefix of the rows of all keys that begin with `key`, and of no
    /// others.
    fn from(bucket: BucketId, key: &[u8]) -> Key;

    /// Behind the rows of `key`, in front of those of greater keys.
    fn behind(bucket: BucketId, key: &[u8]) -> Key;

    /// The object key in a row's key.
    fn name(row: &Key) -> Option<Bytes>;

    /// Reads what is shown of a row.
    fn item(name: Bytes, row: &Key, value: &Bytes) -> Result<Self::Item, Damaged>;
}

/// What is to be listed.
#[derive(Clone, Copy)]
pub(crate) struct Scan<'r> {
    /// Of which bucket.
    pub(crate) bucket: BucketId,
    /// Only keys that begin with it.
    pub(crate) prefix: &'r [u8],
    /// Keys are folded behind its first occurrence behind the prefix; empty = nowhere.
    pub(crate) delimiter: &'r [u8],
    /// Most entries, keys and common prefixes together, at most [`PAGE`]; 0 = none, without a read.
    pub(crate) limit: usize,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Scanned<T> {
    /// Rows that were not folded.
    pub(crate) items: Vec<T>,
    /// Common prefixes, ending with the delimiter.
    pub(crate) prefixes: Vec<Bytes>,
    /// Whether entries follow. The next page then begins behind the last item or common prefix, whichever is greater.
    pub(crate) more: bool,
}

impl Scan<'_> {
    /// The row at which a page begins that follows `key` (exclusive; empty = the first page). A common prefix of this listing stands for
    /// all keys folded into it.
    pub(crate) fn behind<N: Named>(&self, key: &[u8]) -> Key {
        if key.is_empty() {
            return N::from(self.bucket, self.prefix);
        }
        if self.folds_at(key) == Some(key.len()) {
            return jump(N::from(self.bucket, key));
        }
        N::behind(self.bucket, key)
    }

    /// The page that begins at row `begin`. One read if nothing is folded, else about one read a common prefix.
    ///
    /// # Errors
    /// The source's, and [`Damaged`].
    pub(crate) async fn page<N: Named, S: Source>(
        &self,
        source: &S,
        begin: Key,
    ) -> Result<Scanned<N::Item>, S::Error> {
        let limit = self.limit.min(PAGE);
        let mut page = Scanned { items: Vec::new(), prefixes: Vec::new(), more: false };
        let mut range = KeyRange::prefix(N::from(self.bucket, self.prefix));
        range.begin = range.begin.max(begin);
        let mut window = Window::of(self.delimiter);
        while limit > 0 && !range.is_empty() {
            let found = page.entries();
            // One more than there is room for tells whether entries follow.
            let rows = source.rows(range.clone(), window.rows.min(limit - found + 1)).await?;
            let Some((last, _)) = rows.rows.last() else { break };
            let next = after(last);
            let mut skip_to = None;
            for (row, value) in &rows.rows {
                if skip_to.as_ref().is_some_and(|key| row < key) {
                    continue;
                }
                let name = N::name(row).ok_or(Damaged { family: N::FAMILY })?;
                if page.entries() == limit {
                    page.more = true;
                    return Ok(page);
                }
                match self.folds_at(&name) {
                    Some(length) => {
                        let common = name.slice(..length);
                        skip_to = Some(jump(N::from(self.bucket, &common)));
                        page.prefixes.push(common);
                    }
                    None => page.items.push(N::item(name, row, value)?),
                }
            }
            if !rows.more {
                break;
            }
            range.begin = skip_to.map_or(next.clone(), |key| key.max(next));
            window.adapt(page.entries() - found);
        }
        Ok(page)
    }

    /// Bytes of the common prefix that `key` is folded into.
    fn folds_at(&self, key: &[u8]) -> Option<usize> {
        let first = self.delimiter.first()?;
        let rest = key.strip_prefix(self.prefix)?;
        let at = rest.iter().enumerate().position(|(at, byte)| {
            byte == first && rest.get(at..).is_some_and(|tail| tail.starts_with(self.delimiter))
        })?;
        Some(self.prefix.len() + at + self.delimiter.len())
    }
}

/// How many rows the next read asks for: about four times the entries that the last one found, so that plain keys and small folders are
/// read in ever larger pieces; one from a folder that was larger than the window, since all others would be read in vain.
struct Window {
    rows: usize,
    /// Reads of one row to go before two are tried, and how many it was the last time.
    singles: usize,
    trials: usize,
}

impl Window {
    fn of(delimiter: &[u8]) -> Self {
        let rows = if delimiter.is_empty() { usize::MAX } else { FIRST_WINDOW };
        Self { rows, singles: 0, trials: 0 }
    }

    fn adapt(&mut self, entries: usize) {
        if entries > 1 {
            (self.rows, self.trials) = (4 * entries - 2, 0);
            return;
        }
        if self.rows > 1 {
            self.trials = (2 * self.trials + 1).min(LEAST_TRIALS);
            self.singles = self.trials;
        }
        self.rows = if self.singles == 0 { 2 } else { 1 };
        self.singles = self.singles.saturating_sub(1);
    }
}

impl<T> Scanned<T> {
    fn entries(&self) -> usize {
        self.items.len() + self.prefixes.len()
    }
}

/// The first row behind all that begin with `prefix`. A prefix begins with the letter of its family, so there always is one.
fn jump(prefix: Key) -> Key {
    strinc(&prefix).unwrap_or(prefix)
}

#[cfg(test)]
mod tests;
