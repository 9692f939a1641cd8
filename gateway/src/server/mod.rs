//! The front door: listeners, connections and their limits, ids of requests, the drain. Knows HTTP and nothing of S3 but the
//! shape of an error document. HTTP/2 is served inside TLS only (`docs/decisions/0002-http-2-inside-tls-only.md`).
//!
//! A connection costs nothing per request but an id, a span and three headers; its time limits cost a timer only when the client is
//! slow (see [`pulse`]).

mod admission;
mod answer;
mod body;
mod connection;
mod document;
mod listen;
mod metrics;
mod pulse;
mod request_id;
mod space;
#[cfg(test)]
mod tests;
mod tls;
mod turned_away;
mod virtual_host;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};

pub use body::RequestBody;
pub use listen::{Environment, Listener, Server};
pub use metrics::ServerMetrics;
pub use space::Space;
pub use tls::{Tls, TlsError};
pub use virtual_host::Domain;

/// An error of any type, as hyper takes them from bodies.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How a request came in: an extension of every request.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who called.
    pub peer: SocketAddr,
    /// Whether through TLS of ours. What a proxy says of itself (`x-forwarded-proto`) is not believed.
    pub secure: bool,
    /// `x-amz-id-2` of its answer.
    pub host_id: HeaderValue,
}

/// What answers requests. It always answers: an error becomes an S3 error document before it comes here (guard.md, rule 15).
///
/// Requests carry the extensions [`RequestId`](crate::auth::RequestId) and [`Arrival`]. A panic is answered 500 `InternalError`; the connection lives on.
pub trait Handler: Send + Sync + 'static {
    /// The body of answers. An error in it ends the connection: the client sees that the answer is not whole.
    type Body: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;

    /// Answers one request. Dropped at any await when the client goes away.
    fn handle(&self, request: Request<RequestBody>) -> impl Future<Output = Response<Self::Body>> + Send;
}

impl<F, Fut, B> Handler for F
where
    F: Fn(Request<RequestBody>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response<B>> + Send,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Body = B;

    fn handle(&self, request: Request<RequestBody>) -> impl Future<Output = Response<B>> + Send {
        self(request)
    }
}

/// What a listener grants its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Bytes of the request line and all headers of one request.
    pub header_size: usize,
    /// Time for a whole request head, from its first byte (of a new connection: from the accept).
    pub header_timeout: Duration,
    /// Time without a byte taken while an answer is being written.
    pub write_stall: Duration,
    /// Time between two requests.
    pub keep_alive: Duration,
    /// Requests being answered at once; one more is answered 503 `SlowDown`.
    pub operations: usize,
    /// Bytes that the bodies of requests may take up in memory at once; what does not fit is answered 503 `SlowDown`.
    pub body_memory: u64,
    /// Most bytes that one body takes up in memory, however long it is; one of unknown length is counted as if it did.
    pub body_piece: u64,
}
