//! The routes of the admin listener.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use prometheus::{Registry, TextEncoder};
use subtle::ConstantTimeEq as _;
use terrace_runtime::Tasks;

use super::{Operations, Readiness, Report};
use crate::server::{Arrival, BoxError, Handler, RequestBody};

/// Longest path that a request may name, in bytes.
const PATH_MAX: usize = 4_096;
/// Says whether a report is clean.
pub(super) const CLEAN: &str = "x-terrace-clean";

/// Answers the admin listener.
#[derive(Clone)]
pub struct Admin {
    /// Whether requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// What `/metrics` shows.
    pub registry: Registry,
    /// Whose workers `/status` shows.
    pub tasks: Tasks,
    /// The token that `/fsck` and `/backup` want.
    pub token: Arc<OnceLock<String>>,
    /// What they do; unset until the store is open.
    pub operations: Arc<OnceLock<Arc<dyn Operations>>>,
}

impl Handler for Admin {
    type Body = Full<Bytes>;

    async fn handle(&self, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let read = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/healthz" if read => text(StatusCode::OK, "ok\n"),
            "/readyz" if read => self.ready(),
            "/metrics" if read => self.metrics(),
            "/status" if read => self.status(),
            "/fsck" if *request.method() == Method::POST => self.fsck(&request).await,
            "/backup" if *request.method() == Method::POST => self.backup(request).await,
            "/healthz" | "/readyz" | "/metrics" | "/status" => not_allowed("GET, HEAD"),
            "/fsck" | "/backup" => not_allowed("POST"),
            _ => text(StatusCode::NOT_FOUND, "healthz, readyz, metrics, status\n"),
        }
    }
}

impl Admin {
    fn ready(&self) -> Response<Full<Bytes>> {
        let reasons = self.readiness.reasons();
        if reasons.is_empty() {
            return text(StatusCode::OK, "ready\n");
        }
        text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", reasons.join(", ")))
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match TextEncoder::new().encode_to_string(&self.registry.gather()) {
            Ok(metrics) => {
                let mut response = text(StatusCode::OK, metrics);
                let kind = HeaderValue::from_static(prometheus::TEXT_FORMAT);
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(error) => failed("metrics", &error.into()),
        }
    }

    fn status(&self) -> Response<Full<Bytes>> {
        let workers =
            self.tasks.workers().into_iter().map(|(name, status)| format!("worker {name}: {status}\n"));
        let under_way = self.tasks.under_way().into_iter();
        let counts =
            under_way.map(|(kind, name, count)| format!("{kind:?} {name}: {count}\n").to_lowercase());
        text(StatusCode::OK, workers.chain(counts).collect::<String>())
    }

    async fn fsck(&self, request: &Request<RequestBody>) -> Response<Full<Bytes>> {
        let operations = match self.authorised(request) {
            Ok(operations) => operations,
            Err(refused) => return *refused,
        };
        let repair = request.uri().query() == Some("repair");
        reported("fsck", operations.fsck(repair).await)
    }

    async fn backup(&self, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let operations = match self.authorised(&request) {
            Ok(operations) => operations,
            Err(refused) => return *refused,
        };
        let path = match Limited::new(request.into_body(), PATH_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("no path: {error}\n")),
        };
        let directory = Path::new(OsStr::from_bytes(&path));
        if !directory.is_absolute() {
            return text(StatusCode::BAD_REQUEST, "the body must be an absolute path\n");
        }
        reported("backup", operations.backup(directory).await)
    }

    /// The operations, for a caller on this machine who knows the token.
    fn authorised(
        &self,
        request: &Request<RequestBody>,
    ) -> Result<Arc<dyn Operations>, Box<Response<Full<Bytes>>>> {
        let local = request
            .extensions()
            .get::<Arrival>()
            .is_some_and(|arrival| arrival.peer.ip().to_canonical().is_loopback());
        let given =
            request.headers().get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let known = match (given, self.token.get()) {
            (Some(given), Some(token)) => bool::from(given.ct_eq(token.as_bytes())),
            _ => false,
        };
        if !(local && known) {
            return Err(Box::new(text(
                StatusCode::FORBIDDEN,
                "for the owner of the data directory, on this machine\n",
            )));
        }
        let operations = self.operations.get().cloned();
        operations.ok_or_else(|| Box::new(text(StatusCode::SERVICE_UNAVAILABLE, "the store is not open\n")))
    }
}

fn reported(what: &'static str, outcome: Result<Report, BoxError>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(report) => {
            let mut response = text(StatusCode::OK, report.text);
            let clean = HeaderValue::from_static(if report.clean { "true" } else { "false" });
            response.headers_mut().insert(CLEAN, clean);
            response
        }
        Err(error) => failed(what, &error),
    }
}

/// The operator reads the chain: here it is not a client's business that is hidden.
fn failed(what: &'static str, error: &BoxError) -> Response<Full<Bytes>> {
    let chain = crate::telemetry::chain(&**error).to_string();
    tracing::warn!(what, error = chain, "an operator's request failed");
    text(StatusCode::INTERNAL_SERVER_ERROR, format!("{chain}\n"))
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn not_allowed(methods: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("{methods} only\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}
