//! One connection, from its accept to its end.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use terrace_runtime::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::answer::answer;
use super::document::error_document;
use super::metrics::ServerMetrics;
use super::pulse::{Pulse, Watched};
use super::request_id::RequestIds;
use super::{Handler, Limits};
use crate::config::AccessLog;

/// Largest piece of a body that hyper reads or buffers at once, in bytes: bounds the memory of a connection.
const BUFFER: usize = 128 << 10;
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
}

/// Serves a connection to its end.
pub(super) async fn serve<H: Handler>(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared<H>>) {
    let pulse = Arc::new(Pulse::new());
    let limits = shared.limits;
    let (drain, abort) = (shared.drain.clone(), shared.abort.clone());
    let timed_out = shared.metrics.timed_out.clone();
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&pulse)));
    let connected = Arc::new(Connected { shared, pulse: Arc::clone(&pulse), peer });
    let service = service_fn(move |request| {
        let connected = Arc::clone(&connected);
        async move { Ok::<_, Infallible>(answer(connected, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_header_size(limits.header_size)
            .max_buf_size(BUFFER)
            .serve_connection(io, service)
    );
    let mut timer = pin!(tokio::time::sleep_until(pulse.origin()));
    let mut armed: Option<Duration> = None;
    let (mut drained, mut aborted) = (pin!(drain.cancelled()), pin!(abort.cancelled()));
    let mut draining = false;
    poll_fn(|cx| {
        if !draining && drained.as_mut().poll(cx).is_ready() {
            draining = true;
            connection.as_mut().graceful_shutdown();
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
        while let Some(deadline) = pulse.deadline(&limits) {
            if armed.is_none_or(|armed| deadline < armed) {
                timer.as_mut().reset(pulse.origin() + deadline);
                armed = Some(deadline);
            }
            if timer.as_mut().poll(cx).is_pending() {
                break;
            }
            armed = None;
            if pulse.origin().elapsed() >= deadline {
                timed_out.inc();
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
pub(super) async fn refuse<H>(mut stream: TcpStream, shared: Arc<Shared<H>>) {
    let id = shared.ids.mint();
    let document = error_document("SlowDown", "Please reduce your request rate.", id);
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nx-amz-request-id: {id}\r\nserver: Terrace\r\nretry-after: 1\r\n\
         content-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    );
    let talk = async {
        let mut first = [0; 1];
        // Not before it asked: an answer to nothing is an error to some clients.
        stream.read_exact(&mut first).await?;
        stream.write_all(&[head.as_bytes(), &document].concat()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(REFUSED_BYTES), &mut tokio::io::sink()).await
    };
    // Whichever way it ends: the client has been told, or cannot be.
    let _ended = tokio::time::timeout(REFUSED_TIME, talk).await;
}
