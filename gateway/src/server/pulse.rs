//! When a connection has waited too long. hyper's own header timeout arms a timer for every request and also ends a connection that
//! rests between two; this one notes times as they pass, and arms a timer only when a poll ends with the client owing something.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Limits;

const BUSY: u64 = 0;
const RESTING: u64 = 1;
const HEAD: u64 = 2;
const LEAVING: u64 = 3;
const PHASES: u64 = 0b11;

/// What a client may still send after an answer that did not wait for its whole body: time, and bytes. To close at once would
/// reset the connection, and the reset can overtake the answer (RFC 9112, section 9.6).
const LEAVE_TIME: Duration = Duration::from_secs(5);
const LEAVE_BYTES: usize = 64 << 20;
/// Bytes thrown away by one read.
const LEAVE_READ: usize = 16 << 10;

/// What one connection is doing, and since when.
#[derive(Debug)]
pub(super) struct Pulse {
    origin: Instant,
    /// Of a connection with many requests at once (HTTP/2).
    streams: Option<Streams>,
    /// Phase in the two low bits, milliseconds since `origin` above.
    phase: AtomicU64,
    /// Milliseconds since `origin` plus one; 0 while the client takes what is written.
    stalled: AtomicU64,
    /// The request being answered, or just answered, has a body that nobody read to its end.
    unread: AtomicBool,
    /// Some of an answer may not have been written yet.
    unwritten: AtomicBool,
    /// Bytes came since the last request.
    begun: AtomicBool,
}

/// Requests of one connection. An answer that the client's window has no room for leaves no write pending, so pieces are counted.
#[derive(Debug, Default)]
struct Streams {
    busy: AtomicU32,
    /// Answers whose last piece was handed over, and the next not asked for.
    handed: AtomicU32,
    /// When a piece was last handed over or taken, in milliseconds since the origin.
    moved: AtomicU64,
}

impl Pulse {
    /// A connection that was just accepted, for requests one after the other (HTTP/1): its first head is due.
    pub(super) fn new() -> Self {
        Self::of(None)
    }

    /// The same for many requests at once (HTTP/2).
    pub(super) fn of_streams() -> Self {
        Self::of(Some(Streams::default()))
    }

    fn of(streams: Option<Streams>) -> Self {
        Self {
            origin: Instant::now(),
            streams,
            phase: AtomicU64::new(HEAD),
            stalled: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            unwritten: AtomicBool::new(false),
            begun: AtomicBool::new(false),
        }
    }

    pub(super) fn origin(&self) -> Instant {
        self.origin
    }

    /// A whole head arrived: the server owes an answer.
    pub(super) fn answering(&self) {
        if let Some(streams) = &self.streams {
            streams.busy.fetch_add(1, Relaxed);
        }
        self.phase.store(BUSY, Relaxed);
        self.unread.store(false, Relaxed);
        self.unwritten.store(true, Relaxed);
        self.begun.store(false, Relaxed);
    }

    /// Everything that was said has been written, and no request is under way (HTTP/1): whatever is written now is not an answer of ours.
    pub(super) fn is_quiet(&self) -> bool {
        self.streams.is_none() && self.phase.load(Relaxed) & PHASES != BUSY && !self.unwritten.load(Relaxed)
    }

    /// Quiet, and the client has sent some of a head and not the rest.
    pub(super) fn is_within_a_head(&self) -> bool {
        self.is_quiet() && self.phase.load(Relaxed) & PHASES == HEAD && self.begun.load(Relaxed)
    }

    /// The body of the request was let go before its end. HTTP/2 has a word for that, and the connection goes on.
    pub(super) fn left_unread(&self) {
        self.unread.store(self.streams.is_none(), Relaxed);
    }

    /// A piece of an answer was handed over: the client is to take it.
    pub(super) fn handed(&self) {
        if let Some(streams) = &self.streams {
            streams.moved.store(self.now_ms(), Relaxed);
            streams.handed.fetch_add(1, Relaxed);
        }
    }

    /// It was taken, or will never be.
    pub(super) fn taken(&self) {
        if let Some(streams) = &self.streams {
            streams.moved.store(self.now_ms(), Relaxed);
            streams.handed.fetch_sub(1, Relaxed);
        }
    }

    /// The answer left: the client may rest or ask again.
    pub(super) fn answered(&self) {
        if let Some(streams) = &self.streams {
            streams.busy.fetch_sub(1, Relaxed);
        }
        self.phase.store(self.now_ms() << 2 | RESTING, Relaxed);
    }

    /// The time since `origin` at which the client has been waited for long enough; `None` while nothing is owed.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Duration> {
        let phase = self.phase.load(Relaxed);
        let since = Duration::from_millis(phase >> 2);
        let busy = self.streams.as_ref().is_some_and(|streams| streams.busy.load(Relaxed) > 0);
        let read = match phase & PHASES {
            // Requests end on tasks of their own, which do not wake the connection: look again.
            _ if busy => Some(self.origin.elapsed() + limits.keep_alive.min(limits.write_stall)),
            RESTING => Some(since + limits.keep_alive),
            HEAD => Some(since + limits.header_timeout),
            LEAVING => Some(since + LEAVE_TIME),
            _ => None,
        };
        let stalled = self.stalled.load(Relaxed).checked_sub(1);
        let untaken = self.streams.as_ref().filter(|streams| streams.handed.load(Relaxed) > 0);
        let untaken = untaken.map(|streams| streams.moved.load(Relaxed));
        let write = stalled.into_iter().chain(untaken).min();
        let write = write.map(|ms| Duration::from_millis(ms) + limits.write_stall);
        read.into_iter().chain(write).min()
    }

    fn read(&self) {
        // Windows and pings are no heads.
        if self.streams.is_some() {
            return;
        }
        self.begun.store(true, Relaxed);
        if self.phase.load(Relaxed) & PHASES == RESTING {
            self.phase.store(self.now_ms() << 2 | HEAD, Relaxed);
        }
    }

    /// All that hyper had is written.
    fn written(&self) {
        if self.phase.load(Relaxed) & PHASES != BUSY {
            self.unwritten.store(false, Relaxed);
        }
    }

    fn leaving(&self) {
        self.phase.store(self.now_ms() << 2 | LEAVING, Relaxed);
    }

    fn wrote<T>(&self, outcome: &Poll<io::Result<T>>) {
        let stalled = self.stalled.load(Relaxed) != 0;
        match outcome {
            Poll::Ready(_) if stalled => self.stalled.store(0, Relaxed),
            Poll::Pending if !stalled => self.stalled.store(self.now_ms() + 1, Relaxed),
            _ => {}
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX >> 2)
    }
}

/// A stream whose reads and writes are noted.
pub(super) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// Bytes thrown away since the last answer left, once there is nothing more to say.
    left: Option<usize>,
    /// Status of an answer that is hyper's own. It is not written: it has neither a document nor the id of a request.
    kept_back: Option<StatusCode>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, left: None, kept_back: None }
    }

    /// The status that the client should have been told. Nothing was written since, and the stream is open.
    pub(super) fn kept_back(&self) -> Option<StatusCode> {
        self.kept_back
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// Whether `head` is to be kept back: no request is under way that it could answer.
    fn keeps_back(&mut self, head: &[u8]) -> bool {
        if self.kept_back.is_none() && self.pulse.is_quiet() {
            let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
            self.kept_back = status.and_then(|status| StatusCode::from_bytes(status).ok());
        }
        self.kept_back.is_some()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.read();
        }
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.keeps_back(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pulse.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.keeps_back(slices.first().map_or(&[], |slice| slice)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.pulse.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has written all it had.
        self.pulse.written();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Says that no more will be sent; after an answer that left a body unread, lets the client see it before the end.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.kept_back.is_some() {
            return Poll::Ready(Ok(()));
        }
        let mut left = match this.left {
            Some(left) => left,
            None => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                if !this.pulse.unread.load(Relaxed) {
                    return Poll::Ready(Ok(()));
                }
                this.pulse.leaving();
                0
            }
        };
        let mut waste = [MaybeUninit::uninit(); LEAVE_READ];
        while left < LEAVE_BYTES {
            this.left = Some(left);
            let mut buffer = ReadBuf::uninit(&mut waste);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
            left += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}
