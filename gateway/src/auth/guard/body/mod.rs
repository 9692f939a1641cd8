//! The body of a request on its way to s3s: unframed, counted, verified.
//!
//! The last piece of a body is held back until everything that was promised of it (length, digests, signatures, trailer)
//! holds, so that whoever reads to the announced length knows that the body is the one that was signed.

mod chunked;
mod digests;
mod trailer;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use sync_wrapper::SyncWrapper;
use tokio::time::{Instant, Sleep};

use terrace_runtime::Tasks;
use terrace_store::digest::Aside;
use terrace_store::object::Checksum;

use super::super::{BodyRefusal, ChecksumSlot};
pub(crate) use chunked::Chunked;
pub(crate) use digests::Digests;
pub(crate) use trailer::announced_trailer;

/// How the body is framed inside HTTP.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Not at all.
    Plain,
    /// aws-chunked.
    Chunked(Box<Chunked>),
}

/// What is asked of a body.
pub(crate) struct Demands {
    pub(crate) framing: Framing,
    /// Decoded length in bytes.
    pub(crate) length: u64,
    /// `None` if no digest is asked for.
    pub(crate) digests: Option<Box<Digests>>,
    /// Where the verified checksum goes.
    pub(crate) slot: ChecksumSlot,
    /// How long the client may be silent.
    pub(crate) idle: Duration,
    /// Where digests of large pieces are computed.
    pub(crate) tasks: Tasks,
}

/// What remains of a body after s3s let go of it, for whoever answers the request.
#[derive(Debug)]
pub(crate) struct Remains<B> {
    /// Why the body was refused, if it was.
    pub(crate) refused: OnceLock<BodyRefusal>,
    /// The connection's body, if it was not read to its end, and whether it was read at all.
    pub(crate) unread: Mutex<Option<(SyncWrapper<B>, bool)>>,
}

/// A request body that ends only if it is what the request promised.
pub(crate) struct VerifiedBody<B> {
    inner: Option<SyncWrapper<B>>,
    started: bool,
    demands: Demands,
    digests: Option<Aside<Box<Digests>>>,
    ready: VecDeque<Bytes>,
    received: u64,
    emitted: u64,
    state: State,
    silence: Silence,
    remains: Arc<Remains<B>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Reading,
    /// All of it is here, and the checksum of its trailer; digests are still being computed.
    Ended(Option<Checksum>),
    Verified,
    Failed,
}

impl<B> VerifiedBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<s3s::StdError>,
{
    /// Wraps the body of a connection.
    pub(crate) fn new(inner: B, mut demands: Demands) -> Self {
        let digests = demands.digests.take().map(|digests| Aside::new(demands.tasks.clone(), digests));
        let remains = Arc::new(Remains { refused: OnceLock::new(), unread: Mutex::new(None) });
        Self {
            inner: Some(SyncWrapper::new(inner)),
            started: false,
            silence: Silence { limit: demands.idle, timer: None, armed: false },
            demands,
            digests,
            ready: VecDeque::new(),
            received: 0,
            emitted: 0,
            state: State::Reading,
            remains,
        }
    }

    pub(crate) fn remains(&self) -> Arc<Remains<B>> {
        Arc::clone(&self.remains)
    }

    /// Takes what arrived from the connection.
    fn take(&mut self, data: Bytes) -> Result<(), BodyRefusal> {
        let first_new = self.ready.len();
        match &mut self.demands.framing {
            Framing::Plain if data.is_empty() => {}
            Framing::Plain => self.ready.push_back(data),
            Framing::Chunked(chunked) => chunked.take(data, &mut self.ready)?,
        }
        for piece in self.ready.iter().skip(first_new) {
            self.received += piece.len() as u64;
            if let Some(digests) = &mut self.digests {
                digests.take(piece);
            }
        }
        if self.received > self.demands.length { Err(BodyRefusal::INCOMPLETE) } else { Ok(()) }
    }

    /// The connection's body has ended: its framing and length must hold now.
    fn end(&mut self) -> Result<(), BodyRefusal> {
        let trailer = match &mut self.demands.framing {
            Framing::Plain => None,
            Framing::Chunked(chunked) => chunked.finish()?,
        };
        if self.received != self.demands.length {
            return Err(BodyRefusal::INCOMPLETE);
        }
        self.state = if self.digests.is_some() { State::Ended(trailer) } else { State::Verified };
        Ok(())
    }

    /// Everything else that was promised must hold as soon as the digests are there.
    fn poll_verify(
        &mut self,
        trailer: Option<Checksum>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyRefusal>> {
        if let Some(digests) = &mut self.digests {
            let digests = ready!(digests.poll_done(cx)).map_err(BodyRefusal::lost)?;
            self.digests = None;
            if let Some(checksum) = digests.verify(trailer)? {
                let _already = self.demands.slot.set(checksum);
            }
        }
        self.state = State::Verified;
        Poll::Ready(Ok(()))
    }

    /// The next piece that may be handed on: any but the one that completes an unverified body.
    fn next_ready(&mut self) -> Option<Bytes> {
        let piece = self.ready.front()?;
        let after = self.emitted + piece.len() as u64;
        if self.state != State::Verified && after >= self.demands.length {
            return None;
        }
        self.emitted = after;
        self.ready.pop_front()
    }

    /// One step of reading: `Ready(Ok)` means look again.
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyRefusal>> {
        if let State::Ended(trailer) = &self.state {
            let trailer = trailer.clone();
            return self.poll_verify(trailer, cx);
        }
        if let Some(digests) = &mut self.digests {
            ready!(digests.poll_room(cx)).map_err(BodyRefusal::lost)?;
        }
        let Some(inner) = &mut self.inner else { return Poll::Ready(Err(BodyRefusal::INCOMPLETE)) };
        let inner = inner.get_mut();
        self.started = true;
        match Pin::new(&mut *inner).poll_frame(cx) {
            Poll::Pending => {
                ready!(self.silence.poll(cx));
                Poll::Ready(Err(BodyRefusal::IdleTimeout))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.silence.armed = false;
                let ended = inner.is_end_stream();
                if let Ok(data) = frame.into_data() {
                    self.take(data)?;
                }
                Poll::Ready(if ended { self.end() } else { Ok(()) })
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Err(BodyRefusal::IncompleteBody { source: Some(Arc::from(error.into())) }))
            }
            Poll::Ready(None) => Poll::Ready(self.end()),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Reading | State::Ended(_))
    }

    /// Reads a body that is empty once unframed, and verifies it.
    pub(crate) async fn finish_empty(mut self) -> Result<(), BodyRefusal> {
        std::future::poll_fn(|cx| {
            while self.is_open() {
                ready!(self.poll_inner(cx))?;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }
}

impl<B> http_body::Body for VerifiedBody<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<s3s::StdError>,
{
    type Data = Bytes;
    type Error = BodyRefusal;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyRefusal>>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.next_ready() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if !this.is_open() {
                return Poll::Ready(None);
            }
            if let Err(refusal) = ready!(this.poll_inner(cx)) {
                this.state = State::Failed;
                this.ready.clear();
                let _first_only = this.remains.refused.set(refusal.clone());
                return Poll::Ready(Some(Err(refusal)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Verified && self.ready.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.demands.length - self.emitted)
    }
}

impl<B> Drop for VerifiedBody<B> {
    fn drop(&mut self) {
        if matches!(self.state, State::Reading | State::Failed)
            && let Some(inner) = self.inner.take()
        {
            *self.remains.unread.lock() = Some((inner, self.started));
        }
    }
}

/// How long nothing has arrived. The timer is made only when a body first makes its reader wait.
struct Silence {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Silence {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.limit)));
        if !self.armed {
            timer.as_mut().reset(Instant::now() + self.limit);
            self.armed = true;
        }
        timer.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests;
