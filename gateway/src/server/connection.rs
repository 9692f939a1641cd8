//! One connection, from its accept to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use terrace_runtime::Clock;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::answer::answer;
use super::document;
use super::metrics::ServerMetrics;
use super::pulse::{Pulse, Watched};
use super::request_id::RequestIds;
use super::tls::{self, Tls};
use super::{BoxError, Handler, Limits};
use crate::config::AccessLog;
use crate::telemetry::requests::Requests;

/// Largest piece of a body that hyper reads or buffers at once, in bytes: bounds the memory of a connection.
const BUFFER: usize = 128 << 10;
/// Requests at once on one connection of HTTP/2, and how much a client may send ahead of what is read, in bytes: of one body, of all.
const STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What a refused client may still send before its connection is closed: bytes, and time.
const REFUSED_BYTES: u64 = 64 << 10;
const REFUSED_TIME: Duration = Duration::from_secs(1);

/// What all connections of a listener share.
pub(super) struct Shared<H> {
    pub(super) handler: H,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: RequestIds,
    pub(super) host_id: HeaderValue,
    pub(super) metrics: ServerMetrics,
    pub(super) access_log: AccessLog,
    pub(super) admission: Admission,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) requests: Option<Arc<Requests>>,
    /// Where the requests of HTTP/2 run.
    pub(super) tasks: TaskTracker,
    /// Finish the request in flight, then close.
    pub(super) drain: CancellationToken,
    /// Close now.
    pub(super) abort: CancellationToken,
}

/// What all requests of a connection share.
pub(super) struct Connected<H> {
    pub(super) shared: Arc<Shared<H>>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) peer: SocketAddr,
    /// Protocol and cipher of TLS.
    pub(super) secured: Option<(String, String)>,
}

/// Who called, and protocol and cipher of TLS.
type Caller = (SocketAddr, Option<(String, String)>);

/// Serves a connection to its end.
pub(super) async fn serve<H: Handler>(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared<H>>) {
    let Some(tls) = &shared.tls else { return http_1(stream, (peer, None), shared).await };
    let handshake = tokio::time::timeout(shared.limits.header_timeout, tls.acceptor().accept(stream));
    let stream = match shared.abort.run_until_cancelled(handshake).await {
        Some(Ok(Ok(stream))) => stream,
        Some(Ok(Err(error))) => {
            shared.metrics.handshakes_failed.inc();
            return tracing::debug!(%peer, %error, "a connection ended before TLS was agreed on");
        }
        Some(Err(_elapsed)) => return shared.metrics.handshakes_failed.inc(),
        None => return,
    };
    let session = stream.get_ref().1;
    let secured = session.protocol_version().zip(session.negotiated_cipher_suite());
    let secured =
        secured.map(|(protocol, cipher)| (format!("{protocol:?}"), format!("{:?}", cipher.suite())));
    if session.alpn_protocol() == Some(tls::HTTP_2) {
        http_2(stream, (peer, secured), shared).await;
    } else {
        http_1(stream, (peer, secured), shared).await;
    }
}

async fn http_1<S, H>(stream: S, (peer, secured): Caller, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let connected = Arc::new(Connected { shared, pulse: Arc::new(Pulse::new()), peer, secured });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&connected.pulse)));
    let asked = Arc::clone(&connected);
    let service = service_fn(move |request| {
        let connected = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(answer(connected, request).await) }
    });
    let connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(connected.shared.limits.header_size)
            .max_buf_size(BUFFER)
            .serve_connection(io, service)
    );
    attend(connection, &connected).await;
}

async fn http_2<S, H>(stream: S, (peer, secured): Caller, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let connected = Arc::new(Connected { shared, pulse: Arc::new(Pulse::of_streams()), peer, secured });
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&connected.pulse)));
    let asked = Arc::clone(&connected);
    let service = service_fn(move |request| {
        let connected = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(answer(connected, request).await) }
    });
    let ended = CancellationToken::new();
    let streams = Streams { tasks: connected.shared.tasks.clone(), ended: ended.clone() };
    let _at_the_end = ended.drop_guard();
    let connection = pin!(
        http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(connected.shared.limits.header_size).unwrap_or(u32::MAX))
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(BUFFER)
            .serve_connection(io, service)
    );
    attend(connection, &connected).await;
}

/// Runs the requests of one HTTP/2 connection, to its end and no longer.
#[derive(Clone)]
struct Streams {
    tasks: TaskTracker,
    ended: CancellationToken,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.tasks.spawn(self.ended.clone().run_until_cancelled_owned(stream));
    }
}

/// A connection of either protocol.
trait Speaking: Future<Output = hyper::Result<()>> {
    /// Finish what is in flight, then end.
    fn leave(self: Pin<&mut Self>);
}

impl<I, B, S> Speaking for http1::Connection<I, S>
where
    S: HttpService<Incoming, ResBody = B, Error: Into<BoxError>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body<Error: Into<BoxError>> + 'static,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> Speaking for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B, Error: Into<BoxError>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: http_body::Body<Error: Into<BoxError>> + 'static,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Drives a connection until it ends, its client is too slow, or it is told to end.
async fn attend<H: Handler>(mut connection: Pin<&mut impl Speaking>, connected: &Connected<H>) {
    let Connected { shared, pulse, peer, .. } = connected;
    let mut timer = pin!(tokio::time::sleep_until(pulse.origin()));
    let mut armed: Option<Duration> = None;
    let (mut drained, mut aborted) = (pin!(shared.drain.cancelled()), pin!(shared.abort.cancelled()));
    let mut draining = false;
    poll_fn(|cx| {
        if !draining && drained.as_mut().poll(cx).is_ready() {
            draining = true;
            connection.as_mut().leave();
        }
        if aborted.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                tracing::debug!(%peer, error = %crate::telemetry::chain(&error), "a connection ended early");
            }
            return Poll::Ready(());
        }
        while let Some(deadline) = pulse.deadline(&shared.limits) {
            if armed.is_none_or(|armed| deadline < armed) {
                timer.as_mut().reset(pulse.origin() + deadline);
                armed = Some(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
            armed = None;
            if pulse.origin().elapsed() >= deadline {
                shared.metrics.timed_out.inc();
                tracing::debug!(%peer, "closed: the client was too slow");
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await;
}

/// Answers 503 `SlowDown` to a client beyond the limit of connections. Its request is read and dropped, a little of it, so that the
/// answer is not lost with a reset.
pub(super) async fn refuse<H>(stream: TcpStream, shared: Arc<Shared<H>>) {
    let talk = async {
        match &shared.tls {
            Some(tls) => turn_away(tls.acceptor().accept(stream).await?, &shared.ids).await,
            None => turn_away(stream, &shared.ids).await,
        }
    };
    // Whichever way it ends: the client has been told, or cannot be.
    let _ended = tokio::time::timeout(REFUSED_TIME, talk).await;
}

async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, ids: &RequestIds) -> io::Result<u64> {
    let id = ids.mint();
    let document = document::slow_down(id);
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nx-amz-request-id: {id}\r\nserver: Terrace\r\nretry-after: 1\r\n\
         content-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    );
    let mut first = [0; 1];
    // Not before it asked: an answer to nothing is an error to some clients.
    stream.read_exact(&mut first).await?;
    stream.write_all(&[head.as_bytes(), &document].concat()).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(REFUSED_BYTES), &mut tokio::io::sink()).await
}
