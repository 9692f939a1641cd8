//! Bodies that end badly.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::Stream;

use crate::blob::BlobBody;
use crate::error::{BlobError, BlobErrorKind, BodyError};

/// What happens at the end of the bytes that are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Break,
    Stall,
}

/// A body of which some bytes come through.
pub(super) struct Ending {
    body: BlobBody,
    left: u64,
    end: End,
    reached: Arc<AtomicBool>,
}

impl Ending {
    /// `left` bytes of `body`, then `end`.
    pub(super) fn new(body: BlobBody, left: u64, end: End) -> Self {
        Self { body, left, end, reached: Arc::default() }
    }

    /// Becomes true when the end is reached.
    pub(super) fn reached(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reached)
    }
}

impl Stream for Ending {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left > 0 {
            match self.body.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(mut chunk))) => {
                    let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len());
                    self.left -= taken as u64;
                    chunk.truncate(taken);
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(None) => self.left = 0,
                other => return other,
            }
        }
        self.reached.store(true, Ordering::SeqCst);
        match self.end {
            End::Stall => Poll::Pending,
            End::Break => {
                let error =
                    BlobError::settled(BlobErrorKind::Unavailable, "pass an injected break of a stream");
                Poll::Ready(Some(Err(BodyError::new(error))))
            }
        }
    }
}
