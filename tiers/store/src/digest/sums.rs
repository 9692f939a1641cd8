//! Digests that the store computes itself: the MD5 of an ETag, the checksum of a copy.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::Stream;
use terrace_long_term::{BlobBody, BodyError};
use terrace_runtime::Tasks;

use super::{Absorb, Aside, Hasher, Lost, speed};
use crate::object::{Algorithm, Checksum};

/// Which digests are wanted of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) md5: bool,
    pub(crate) checksum: Option<Algorithm>,
}

impl Wanted {
    /// Whether there is nothing to compute.
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// Digests of a body; each only if it was wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) md5: Option<[u8; 16]>,
    pub(crate) checksum: Option<Checksum>,
}

struct Summing {
    md5: Option<md5::Context>,
    checksum: Option<Hasher>,
}

impl Summing {
    fn new(wanted: Wanted) -> Self {
        Self { md5: wanted.md5.then(md5::Context::new), checksum: wanted.checksum.map(Hasher::new) }
    }

    fn finish(self) -> Sums {
        Sums { md5: self.md5.map(|md5| *md5.finalize()), checksum: self.checksum.map(Hasher::finish) }
    }
}

impl Absorb for Summing {
    fn absorb(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.consume(bytes);
        }
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
    }

    fn bytes_per_microsecond(&self) -> usize {
        speed(self.md5.is_some(), self.checksum.as_ref().map(Hasher::algorithm))
    }
}

/// Digests of chunks that are here.
///
/// # Errors
/// [`Lost`].
pub(crate) async fn sums_of(tasks: &Tasks, wanted: Wanted, chunks: &[Bytes]) -> Result<Sums, Lost> {
    if wanted.is_nothing() {
        return Ok(Sums::default());
    }
    let mut aside = Aside::new(tasks.clone(), Summing::new(wanted));
    aside.take_all(chunks);
    Ok(std::future::poll_fn(|cx| aside.poll_done(cx)).await?.finish())
}

/// `body`, and where its digests are once it has ended. A body of which nothing is wanted is left as it is.
pub(crate) fn summed(tasks: &Tasks, wanted: Wanted, body: BlobBody) -> (BlobBody, Arc<OnceLock<Sums>>) {
    let sums = Arc::new(OnceLock::new());
    if wanted.is_nothing() {
        return (body, sums);
    }
    let aside = Some(Aside::new(tasks.clone(), Summing::new(wanted)));
    (Box::pin(Summed { body, aside, sums: Arc::clone(&sums) }), sums)
}

struct Summed {
    body: BlobBody,
    /// `None` behind the end.
    aside: Option<Aside<Summing>>,
    sums: Arc<OnceLock<Sums>>,
}

impl Stream for Summed {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(aside) = &mut this.aside else { return Poll::Ready(None) };
        ready!(aside.poll_room(cx)).map_err(BodyError::new)?;
        match ready!(this.body.as_mut().poll_next(cx)) {
            Some(Ok(piece)) => {
                aside.take(&piece);
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                let done = ready!(aside.poll_done(cx)).map_err(BodyError::new)?;
                this.aside = None;
                let _once = this.sums.set(done.finish());
                Poll::Ready(None)
            }
        }
    }
}
