//! One connection, from its accept to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use terrace_runtime::Clock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::answer::{AnswerBody, answer};
use super::document::Said;
use super::metrics::ServerMetrics;
use super::pulse::{Pulse, Watched};
use super::request_id::RequestIds;
use super::tls::{self, Tls};
use super::turned_away::{TOO_SLOW, no_request, tell};
use super::{BoxError, Handler, Limits};
use crate::config::AccessLog;
use crate::telemetry::requests::Requests;

/// Largest piece of a body that hyper reads or buffers at once, in bytes: bounds the memory of a connection.
const BUFFER: usize = 128 << 10;
/// Requests at once on one connection of HTTP/2, and how much a client may send ahead of what is read, in bytes: of one body, of all.
const STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

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

impl<H> Connected<H> {
    /// Of a stream, which is watched from now on.
    fn new<S>(
        stream: S,
        (peer, secured): Caller,
        shared: Arc<Shared<H>>,
        pulse: Pulse,
    ) -> (Arc<Self>, TokioIo<Watched<S>>) {
        let pulse = Arc::new(pulse);
        let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
        (Arc::new(Self { shared, pulse, peer, secured }), io)
    }
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

async fn http_1<S, H>(stream: S, caller: Caller, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let (connected, io) = Connected::new(stream, caller, shared, Pulse::new());
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_header_size(connected.shared.limits.header_size)
        .max_buf_size(BUFFER)
        .serve_connection(io, service(&connected));
    let ended = attend(Pin::new(&mut connection), &connected).await;
    let watched = connection.into_parts().io.into_inner();
    if let Some(said) = last_words(&ended, watched.kept_back(), &connected.pulse) {
        tell(watched.into_inner(), &said, &connected.shared).await;
    }
}

/// What is left to say to a client of HTTP/1, whose bytes were no request (`kept_back`: the status that hyper would have told it) or came
/// too slowly.
fn last_words(ended: &Ended, kept_back: Option<StatusCode>, pulse: &Pulse) -> Option<Said> {
    match ended {
        Ended::TooSlow if pulse.is_within_a_head() => Some(TOO_SLOW),
        Ended::Broken(error) if error.is_parse_version_h2() && pulse.is_quiet() => {
            Some(no_request(StatusCode::BAD_REQUEST))
        }
        Ended::Broken(_) => kept_back.map(no_request),
        _ => None,
    }
}

async fn http_2<S, H>(stream: S, caller: Caller, shared: Arc<Shared<H>>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Handler,
{
    let (connected, io) = Connected::new(stream, caller, shared, Pulse::of_streams());
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
            .serve_connection(io, service(&connected))
    );
    attend(connection, &connected).await;
}

/// What answers the requests of a connection.
fn service<H: Handler>(
    connected: &Arc<Connected<H>>,
) -> impl HttpService<
    Incoming,
    ResBody = AnswerBody<H>,
    Error = Infallible,
    Future: Future<Output = Result<Response<AnswerBody<H>>, Infallible>> + Send + 'static,
> + use<H> {
    let connected = Arc::clone(connected);
    service_fn(move |request: Request<Incoming>| {
        let connected = Arc::clone(&connected);
        async move { Ok(answer(connected, request).await) }
    })
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

/// How a connection ended.
enum Ended {
    /// As it should, or because it was told to.
    Well,
    Broken(hyper::Error),
    TooSlow,
}

/// Drives a connection until it ends, its client is too slow, or it is told to end.
async fn attend<H: Handler>(mut connection: Pin<&mut impl Speaking>, connected: &Connected<H>) -> Ended {
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
            return Poll::Ready(Ended::Well);
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            let Err(error) = ended else { return Poll::Ready(Ended::Well) };
            tracing::debug!(%peer, error = %crate::telemetry::chain(&error), "a connection ended early");
            return Poll::Ready(Ended::Broken(error));
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
                return Poll::Ready(Ended::TooSlow);
            }
        }
        Poll::Pending
    })
    .await
}
