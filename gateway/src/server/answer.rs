//! One request: its id, its span, its answer's headers, its line in the access log.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER, SERVER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use terrace_runtime::steps;
use tracing::Instrument as _;

use super::admission::Admitted;
use super::body::RequestBody;
use super::connection::Connected;
use super::document::{INTERNAL_ERROR, SLOW_DOWN, Said, error_document};
use super::request_id::RequestId;
use super::{Arrival, BoxError, Handler};
use crate::config::AccessLog;
use crate::telemetry::TraceId;
use crate::telemetry::requests::{Answered, Observation, RequestRecord};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
static HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");
const PRODUCT: HeaderValue = HeaderValue::from_static("Terrace");

/// Answers a request of `connected`.
pub(super) async fn answer<H: Handler>(
    connected: Arc<Connected<H>>,
    mut request: Request<Incoming>,
) -> Response<AnswerBody<H>> {
    connected.pulse.answering();
    let shared = &connected.shared;
    let id = shared.ids.mint();
    if request.version() == Version::HTTP_2 {
        as_http_1(&mut request);
    }
    let began = shared.clock.monotonic();
    let line = AccessLine::begin(shared.access_log, &request);
    let observation = shared.requests.as_ref().map(|requests| requests.begin(&request));
    let record = observation.as_ref().map(|observation| Arc::clone(observation.record()));
    let steps = record.as_ref().and_then(RequestRecord::steps);
    let head = request.method() == Method::HEAD;
    let mut request =
        request.map(|body| RequestBody::new(body, Arc::clone(&connected.pulse), record.clone()));
    request.extensions_mut().insert(id.extension());
    request.extensions_mut().insert(Arrival {
        peer: connected.peer,
        secure: connected.secured.is_some(),
        host_id: shared.host_id.clone(),
    });
    if let Some(record) = record {
        request.extensions_mut().insert(record);
    }
    let admitted = shared.admission.admit(length(request.body()));
    let full = admitted.is_none();
    let trace = observation.as_ref().and_then(Observation::trace);
    let finish = Finish {
        connected: Arc::clone(&connected),
        id,
        line,
        observation,
        began,
        turned: Duration::ZERO,
        code: None,
        object: None,
        status: StatusCode::OK,
        sent: 0,
        handed: false,
        broke_off: false,
        _admitted: admitted,
    };
    shared.metrics.in_flight.inc();
    if full {
        shared.metrics.slowed.inc();
        let slow_down = refusal(&SLOW_DOWN, id, head, &shared.host_id);
        return finished(finish, slow_down);
    }
    let span = match trace {
        Some(trace_id) => tracing::error_span!("request", id = id.as_str(), %trace_id),
        None => tracing::error_span!("request", id = id.as_str()),
    };
    let handled = steps::told(steps, shared.handler.handle(request));
    let handled = AssertUnwindSafe(handled).catch_unwind().instrument(span).await;
    let response = match handled {
        Ok(response) => response.map(Content::Handler),
        // The panic hook has logged where and why.
        Err(_panic) => {
            shared.metrics.panics.inc();
            refusal(&INTERNAL_ERROR, id, head, &shared.host_id)
        }
    };
    finished(finish, response)
}

/// Bytes of the whole object of an answer that shows one, or a range of one; looked for where the access log will tell it.
fn object_size<H: Handler>(finish: &Finish<H>, headers: &HeaderMap) -> Option<u64> {
    finish.observation.as_ref().filter(|observation| observation.is_logged())?;
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    match finish.status {
        StatusCode::PARTIAL_CONTENT => text(CONTENT_RANGE)?.rsplit_once('/')?.1.parse().ok(),
        StatusCode::OK => text(CONTENT_LENGTH)?.parse().ok(),
        _ => None,
    }
}

fn length(body: &RequestBody) -> Option<u64> {
    if body.is_end_stream() { Some(0) } else { body.size_hint().exact() }
}

/// The answer as it leaves.
fn finished<H: Handler>(
    mut finish: Finish<H>,
    mut response: Response<Content<H::Body>>,
) -> Response<AnswerBody<H>> {
    let shared = &finish.connected.shared;
    shared.metrics.answered(response.status());
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, finish.id.header());
    headers.insert(&HOST_ID, shared.host_id.clone());
    headers.insert(SERVER, PRODUCT);
    finish.status = response.status();
    finish.turned = shared.clock.monotonic().saturating_sub(finish.began);
    finish.object = object_size(&finish, response.headers());
    response.map(|content| AnswerBody { content, finish })
}

/// Signatures are over the `Host` header: HTTP/2 sends it as a part of the address (RFC 9113, section 8.3.1). Where a client sends both
/// and they differ, both stay, and the guard refuses two of them.
fn as_http_1<B>(request: &mut Request<B>) {
    let uri = std::mem::take(request.uri_mut());
    let mut parts = uri.into_parts();
    parts.scheme = None;
    let authority = parts.authority.take().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = authority.filter(|host| request.headers().get(HOST) != Some(host)) {
        request.headers_mut().append(HOST, host);
    }
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

/// An answer of the server's own.
fn refusal<B>(said: &Said, id: RequestId, head: bool, host_id: &HeaderValue) -> Response<Content<B>> {
    let document = if head { Bytes::new() } else { error_document(said, id, host_id) };
    let mut response = Response::new(Content::Document(document));
    *response.status_mut() = said.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    if said.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The body of an answer; notes its end.
pub(super) struct AnswerBody<H: Handler> {
    content: Content<H::Body>,
    finish: Finish<H>,
}

enum Content<B> {
    Handler(B),
    Document(Bytes),
}

impl<H: Handler> Body for AnswerBody<H> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.finish.taken();
        let frame = match &mut self.content {
            Content::Handler(body) => ready!(Pin::new(body).poll_frame(cx)),
            Content::Document(document) => {
                let document = std::mem::take(document);
                (!document.is_empty()).then(|| Ok(Frame::data(document)))
            }
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                self.finish.handed();
                self.finish.note_code(frame.data_ref());
                self.finish.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                let error = error.into();
                self.finish.broke_off = true;
                tracing::warn!(
                    id = self.finish.id.as_str(),
                    trace_id = self.finish.trace().map(tracing::field::display),
                    sent = self.finish.sent,
                    error = %crate::telemetry::chain(&*error),
                    "an answer broke off, its connection is closed"
                );
                Some(Err(error))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Handler(body) => body.is_end_stream(),
            Content::Document(document) => document.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Handler(body) => body.size_hint(),
            Content::Document(document) => SizeHint::with_exact(document.len() as u64),
        }
    }
}

/// Runs when an answer has been handed over whole, or its connection ended before.
struct Finish<H: Handler> {
    connected: Arc<Connected<H>>,
    id: RequestId,
    line: Option<AccessLine>,
    observation: Option<Observation>,
    began: Duration,
    /// Time to the head of the answer.
    turned: Duration,
    /// S3 code of an error.
    code: Option<String>,
    /// Bytes of the whole object that is shown.
    object: Option<u64>,
    status: StatusCode,
    sent: u64,
    /// A piece of the answer was handed over, and the next not asked for.
    handed: bool,
    /// An error ended the answer's body.
    broke_off: bool,
    _admitted: Option<Admitted>,
}

impl<H: Handler> Finish<H> {
    fn trace(&self) -> Option<TraceId> {
        self.observation.as_ref()?.trace()
    }

    fn handed(&mut self) {
        self.handed = true;
        self.connected.pulse.handed();
    }

    /// Notes the code of an error document, which is in its first piece.
    fn note_code(&mut self, piece: Option<&Bytes>) {
        if self.sent > 0 || self.observation.is_none() || self.status.as_u16() < 400 {
            return;
        }
        let document = piece.and_then(|piece| std::str::from_utf8(piece).ok());
        let code = document.and_then(|text| text.split_once("<Code>")?.1.split_once("</Code>"));
        self.code = code.map(|(code, _)| code.to_owned());
    }

    fn taken(&mut self) {
        if std::mem::take(&mut self.handed) {
            self.connected.pulse.taken();
        }
    }
}

impl<H: Handler> Drop for Finish<H> {
    fn drop(&mut self) {
        self.taken();
        self.connected.pulse.answered();
        let shared = &self.connected.shared;
        shared.metrics.in_flight.dec();
        let took = shared.clock.monotonic().saturating_sub(self.began);
        let trace = self.trace();
        if let (Some(requests), Some(observation)) = (&shared.requests, self.observation.take()) {
            let secured = self.connected.secured.as_ref();
            let answered = Answered {
                wall_ms: shared.clock.wall(),
                took,
                turned: self.turned,
                peer: self.connected.peer,
                ids: (self.id.as_str(), shared.host_id.to_str().unwrap_or("-")),
                status: self.status,
                code: self.code.as_deref(),
                sent: self.sent,
                object: self.object,
                broke_off: self.broke_off,
                tls: secured.map(|(protocol, cipher)| (protocol.as_str(), cipher.as_str())),
            };
            requests.finish(observation, &answered);
        }
        if let Some(line) = &self.line {
            line.write(self.connected.peer, (self.id, trace), (self.status, self.sent), took);
        }
    }
}

/// What the access log says of a request. The query is left out: it may hold a signature.
struct AccessLine {
    level: AccessLog,
    method: Method,
    uri: Uri,
}

impl AccessLine {
    fn begin(level: AccessLog, request: &Request<Incoming>) -> Option<Self> {
        let shown = match level {
            AccessLog::Off => false,
            AccessLog::Debug => tracing::enabled!(target: "terrace::access", tracing::Level::DEBUG),
            AccessLog::Info => tracing::enabled!(target: "terrace::access", tracing::Level::INFO),
        };
        shown.then(|| Self { level, method: request.method().clone(), uri: request.uri().clone() })
    }

    fn write(
        &self,
        peer: std::net::SocketAddr,
        (id, trace): (RequestId, Option<TraceId>),
        (status, sent): (StatusCode, u64),
        took: Duration,
    ) {
        let (id, method, path, status) =
            (id.as_str(), self.method.as_str(), self.uri.path(), status.as_u16());
        let trace_id = trace.map(tracing::field::display);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if self.level == AccessLog::Info {
            tracing::info!(target: "terrace::access", %peer, id, trace_id, method, path, status, sent, micros);
        } else {
            tracing::debug!(target: "terrace::access", %peer, id, trace_id, method, path, status, sent, micros);
        }
    }
}
