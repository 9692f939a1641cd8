//! Reading a body that is many: the parts of a multipart object, one after the other.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use terrace_high_volume::{Read, Transaction, Version};
use terrace_long_term::{BlobBody, BlobKey, BodyError};
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::{Failure, FailureKind, Result};
use crate::name::{BucketId, ObjectKey, PartNumber, Revision};
use crate::object::Checksum;
use crate::ops::object::get::inline_range;
use crate::reclaim::Pin;
use crate::rows;
use crate::rows::manifest::Page;
use crate::rows::part::PartAt;
use crate::store::Store;
use crate::transact::{Reading, Stop, first, get};

/// Bytes of one blob, or of one inline part, that an answer needs.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// On the long-term tier.
    Blob {
        /// Its name.
        blob: BlobKey,
        /// Which bytes of it.
        range: Range<u64>,
    },
    /// In `D` rows.
    Inline {
        /// Its revision.
        rev: Revision,
        /// Its bytes in all.
        size: u64,
        /// Which bytes of it.
        range: Range<u64>,
    },
}

/// Pages of a manifest read at once: 10,000 parts are 10 pages.
const PAGES: usize = 16;

/// The pieces of a manifest that hold `range` of the whole.
pub(crate) async fn pieces(
    txn: &dyn Transaction,
    bid: BucketId,
    key: &ObjectKey,
    rev: Revision,
    range: &Range<u64>,
) -> std::result::Result<Vec<Piece>, Stop> {
    let pages = first(txn, rows::manifest::range(rev), PAGES, Read::Snapshot).await?;
    let mut pieces = Vec::new();
    let mut end = 0;
    for (_, value) in &pages.rows {
        let page = Page::decode(value)?;
        end = page.end();
        for (part, entry) in page.spans() {
            let wanted = range.start.max(part.start)..range.end.min(part.end);
            if wanted.is_empty() {
                continue;
            }
            let within = wanted.start - part.start..wanted.end - part.start;
            pieces.push(match entry.at {
                PartAt::Blob => {
                    let blob = BlobKey { bid: bid.0, key: key.as_bytes().clone(), rev: entry.rev.0 };
                    Piece::Blob { blob, range: within }
                }
                PartAt::Inline | PartAt::Empty => {
                    Piece::Inline { rev: entry.rev, size: part.end - part.start, range: within }
                }
            });
        }
    }
    if end < range.end {
        return Err(rows::Damaged { family: rows::Family::Manifest }.into());
    }
    Ok(pieces)
}

/// Where a part lies in the whole, and its checksum.
pub(crate) async fn part(
    txn: &dyn Transaction,
    rev: Revision,
    number: PartNumber,
) -> std::result::Result<(Range<u64>, Option<Checksum>), Stop> {
    let damaged = || rows::Damaged { family: rows::Family::Manifest };
    let index = usize::from(number.get() - 1);
    let page = u16::try_from(index / rows::manifest::PAGE).map_err(|_| damaged())?;
    let value = get(txn, &rows::manifest::key(rev, page), Read::Snapshot).await?.ok_or_else(damaged)?;
    let page = Page::decode(&value)?;
    let (range, entry) = page.spans().nth(index % rows::manifest::PAGE).ok_or_else(damaged)?;
    Ok((range, page.checksum(entry)))
}

/// A body that broke off after its first byte was sent.
#[derive(Debug, thiserror::Error)]
#[error("a part of the body could not be read")]
pub(crate) struct PieceMissing {
    #[source]
    source: Option<crate::error::Error>,
}

impl Store {
    /// The bytes of all pieces in order, the first opened already: `None` if its blob is missing. Pinned until the stream is dropped.
    pub(crate) async fn open_pieces(&self, pieces: Vec<Piece>, version: Version) -> Result<Option<BlobBody>> {
        let pin = self.reclaim.pin(version);
        let mut pieces = pieces.into_iter();
        let Some(first) = pieces.next() else { return Ok(Some(Box::pin(stream::empty()))) };
        let Some(front) = self.open_piece(first).await? else { return Ok(None) };
        let store = self.clone();
        let rest = stream::iter(pieces).then(move |piece| {
            let store = store.clone();
            async move {
                match store.open_piece(piece).await {
                    Ok(Some(body)) => Ok(body),
                    Ok(None) => Err(BodyError::new(PieceMissing { source: None })),
                    Err(error) => Err(BodyError::new(PieceMissing { source: Some(error) })),
                }
            }
        });
        let body = front.chain(rest.try_flatten());
        Ok(Some(Box::pin(sync_wrapper::SyncStream::new(pinned(body.boxed(), pin)))))
    }

    async fn open_piece(&self, piece: Piece) -> Result<Option<BlobBody>> {
        match piece {
            Piece::Blob { blob, range } => {
                let Some(read) = self
                    .blobs
                    .get(&blob, Some(range.clone()))
                    .await
                    .map_err(|e| self.blob_failure("get a blob", e))?
                else {
                    return Ok(None);
                };
                if read.size < range.end {
                    let what = "get a blob (shorter than its record says)";
                    return Err(Failure::new(FailureKind::Corrupt, what, self.blobs.facts().name).into());
                }
                Ok(Some(read.body))
            }
            Piece::Inline { rev, size, range } => {
                let mut reading = InlinePiece { rev, size, range };
                // Missing like a blob: the object changed since its manifest was read, and another gateway's reclaim knows of no pin here.
                let Some(chunks) = self.read("read an inline part", &mut reading).await? else {
                    if is_planted(Bug::ReclaimedPartIsDamage) {
                        return Err(self.corrupt(rows::Damaged { family: rows::Family::Inline }).into());
                    }
                    return Ok(None);
                };
                Ok(Some(Box::pin(stream::iter(chunks.into_iter().map(Ok)))))
            }
        }
    }
}

struct InlinePiece {
    rev: Revision,
    size: u64,
    range: Range<u64>,
}

impl Reading for InlinePiece {
    type Output = Option<Vec<Bytes>>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Self::Output, Stop> {
        inline_range(txn, self.rev, self.size, &self.range).await
    }
}

/// `body`, with a pin that lives as long.
fn pinned<S>(body: S, pin: Pin) -> impl futures::Stream<Item = S::Item> + Send
where
    S: futures::Stream + Send,
{
    body.map(move |item| {
        let _held = &pin;
        item
    })
}
