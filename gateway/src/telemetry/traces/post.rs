//! One batch of spans to the collector: `POST` of protobuf (OTLP specification 1.7, "OTLP/HTTP").

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::net::TcpStream;

use super::wire::Response;
use crate::server::BoxError;

/// Longest answer that is read, in bytes.
const ANSWER_MAX: usize = 64 << 10;
const HTTP_PORT: u16 = 80;

/// Where spans go.
pub(super) struct Collector {
    target: Uri,
    headers: HeaderMap,
    timeout: Duration,
}

/// Why the collector has not taken a batch.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// It cannot be reached, or says that it is busy: the batch may be sent again.
    #[error("the collector does not take spans now")]
    Later(#[source] BoxError),
    /// It will never take this batch.
    #[error("the collector refuses spans with status {0}")]
    Refused(StatusCode),
}

impl Collector {
    /// `target` has a host.
    pub(super) fn new(target: Uri, mut headers: HeaderMap, timeout: Duration) -> Self {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some(host) = target.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
            headers.insert(HOST, host);
        }
        Self { target, headers, timeout }
    }

    /// Sends a batch over a connection of its own. How many of its spans the collector refused, and why.
    ///
    /// # Errors
    /// It has not taken the batch.
    pub(super) async fn post(&self, batch: Bytes) -> Result<(u64, String), PostError> {
        let (status, answer) = match tokio::time::timeout(self.timeout, self.talk(batch)).await {
            Ok(talked) => talked.map_err(PostError::Later)?,
            Err(elapsed) => return Err(PostError::Later(elapsed.into())),
        };
        match status.as_u16() {
            200..300 => {}
            429 | 502..=504 => return Err(PostError::Later(format!("status {status}").into())),
            _ => return Err(PostError::Refused(status)),
        }
        let partial = Response::decode(answer).unwrap_or_default().partial_success.unwrap_or_default();
        Ok((u64::try_from(partial.rejected_spans).unwrap_or(0), partial.error_message))
    }

    async fn talk(&self, batch: Bytes) -> Result<(StatusCode, Bytes), BoxError> {
        let host = self.target.host().unwrap_or_default().trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.target.port_u16().unwrap_or(HTTP_PORT))).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut request = Request::post(self.target.path()).body(Full::new(batch))?;
        *request.headers_mut() = self.headers.clone();
        let talk = async move {
            let (head, body) = sender.send_request(request).await?.into_parts();
            // The status decides: what cannot be read of an answer changes nothing, least of all that a batch was taken.
            let body = Limited::new(body, ANSWER_MAX).collect().await;
            Ok((head.status, body.map(Collected::to_bytes).unwrap_or_default()))
        };
        // The connection is driven beside the talk, and ends with it.
        let (talked, _connection) = tokio::join!(talk, connection);
        talked
    }
}
