//! Bodies on their way in: how much of one must be seen to know where it goes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use terrace_long_term::{BlobBody, BodyError, LengthMismatch, SizeHint};

/// A body whose size class is known.
pub(crate) enum Peeked {
    /// All of it, in chunks as they came, and its bytes.
    Small(Vec<Bytes>, usize),
    /// Longer than the threshold: nothing of it has been lost.
    Large(BlobBody, SizeHint),
}

/// Reads at most one chunk past `inline_max` bytes, and calls `first` when the first is here. A body known to be longer is not touched; the tier that stores it holds it against its
/// length.
///
/// # Errors
/// The body's own, and [`LengthMismatch`] for a body within `inline_max` that is not as long as announced.
pub(crate) async fn peek(
    mut body: BlobBody,
    length: Option<u64>,
    inline_max: usize,
    first: impl Fn(),
) -> Result<Peeked, BodyError> {
    if let Some(length) = length
        && length > inline_max as u64
    {
        return Ok(Peeked::Large(body, SizeHint::Exact(length)));
    }
    let mismatch = |announced, seen| {
        BodyError::new(LengthMismatch { announced: SizeHint::Exact(announced), seen: seen as u64 })
    };
    let mut chunks = Vec::new();
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if chunk.is_empty() {
            continue;
        }
        if chunks.is_empty() {
            first();
        }
        size += chunk.len();
        if let Some(length) = length
            && size as u64 > length
        {
            return Err(mismatch(length, size));
        }
        chunks.push(chunk);
        if size > inline_max {
            let front = stream::iter(chunks.into_iter().map(Ok));
            return Ok(Peeked::Large(Box::pin(front.chain(body)), SizeHint::AtLeast(size as u64)));
        }
    }
    match length {
        Some(length) if length != size as u64 => Err(mismatch(length, size)),
        _ => Ok(Peeked::Small(chunks, size)),
    }
}

/// A body went past the largest size allowed.
#[derive(Debug, thiserror::Error)]
#[error("the body is larger than allowed")]
pub(crate) struct TooLarge;

/// `body`, broken off as soon as it is longer than `most` bytes.
pub(crate) fn bounded(body: BlobBody, most: u64) -> BlobBody {
    Box::pin(Bounded { body, left: Some(most) })
}

struct Bounded {
    body: BlobBody,
    left: Option<u64>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(left) = self.left else { return Poll::Ready(None) };
        let item = ready!(self.body.as_mut().poll_next(cx));
        if let Some(Ok(chunk)) = &item {
            self.left = left.checked_sub(chunk.len() as u64);
            if self.left.is_none() {
                return Poll::Ready(Some(Err(BodyError::new(TooLarge))));
            }
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: Vec<usize>) -> BlobBody {
        Box::pin(stream::iter(chunks).map(|len| Ok(Bytes::from(vec![b'x'; len]))))
    }

    async fn length(body: BlobBody) -> usize {
        body.fold(0, |sum, chunk| async move { sum + chunk.unwrap().len() }).await
    }

    #[tokio::test]
    async fn what_ends_within_the_threshold_is_small_and_one_byte_more_is_large() {
        for (chunks, size) in
            [(vec![], 0), (vec![1], 1), (vec![10], 10), (vec![3, 0, 7], 10), (vec![1; 10], 10)]
        {
            match peek(body(chunks), None, 10, || ()).await.unwrap() {
                Peeked::Small(_, seen) => assert_eq!(seen, size),
                Peeked::Large(..) => panic!("{size} bytes are small"),
            }
        }
        for chunks in [vec![11], vec![1; 11], vec![10, 1], vec![4, 4, 400]] {
            let sum: usize = chunks.iter().sum();
            match peek(body(chunks), None, 10, || ()).await.unwrap() {
                Peeked::Large(body, SizeHint::AtLeast(seen)) => {
                    assert!(seen > 10);
                    assert_eq!(length(body).await, sum, "nothing is lost");
                }
                _ => panic!("{sum} bytes are large"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_known_to_be_large_is_not_touched() {
        let untouched: BlobBody = Box::pin(stream::pending());
        assert!(matches!(
            peek(untouched, Some(11), 10, || ()).await.unwrap(),
            Peeked::Large(_, SizeHint::Exact(11))
        ));
    }

    #[tokio::test]
    async fn a_bounded_body_breaks_at_the_first_byte_too_many() {
        assert_eq!(length(bounded(body(vec![4, 6]), 10)).await, 10);
        let mut broken = bounded(body(vec![4, 7, 1]), 10);
        assert_eq!(broken.next().await.unwrap().unwrap().len(), 4);
        assert!(broken.next().await.unwrap().unwrap_err().source.is::<TooLarge>());
        assert!(broken.next().await.is_none());
    }
}
