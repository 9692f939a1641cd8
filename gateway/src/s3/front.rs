//! The way in and out: readies a request for s3s, and mends what s3s answers.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpRequest, HttpResponse, S3Error, S3Response};
use terrace_store::Store;

use super::error;
use super::{Service, inbound};
use crate::telemetry::chain;

/// The whole S3 protocol over a store: one request in, one answer out. Cheap to clone. Verifies no signature: whoever calls did that.
#[derive(Clone, Debug)]
pub struct Front {
    s3: S3Service,
}

impl Front {
    /// The protocol over `store`, as region `region`. `configure` sets what belongs to others: authentication, access, host names,
    /// limits.
    pub fn new(store: Store, region: &str, configure: impl FnOnce(&mut S3ServiceBuilder)) -> Self {
        let mut builder = S3ServiceBuilder::new(Service { store, region: region.into() });
        configure(&mut builder);
        Self { s3: builder.build() }
    }

    /// Answers a request. Every answer is a well-formed S3 answer; there is no error that breaks the connection. Give it to
    /// [`Details::complete`](super::Details::complete) before it is sent.
    pub async fn call(&self, request: HttpRequest) -> HttpResponse {
        let (mut parts, body) = request.into_parts();
        let method = parts.method.clone();
        let answer = match inbound::prepare(&mut parts) {
            Ok(()) => self.s3.call(HttpRequest::from_parts(parts, body)).await,
            Err(problem) => error_document(error::document_of(problem)),
        };
        let answer = answer.unwrap_or_else(|error| {
            tracing::error!(error = %chain(&*s3s::StdError::from(error)), "s3s gave no answer");
            let mut answer = HttpResponse::new(Body::from(Bytes::from_static(INTERNAL_ERROR)));
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            answer
        });
        mend(&method, answer)
    }
}

/// For when not even an error document could be written.
const INTERNAL_ERROR: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code>\
    <Message>We encountered an internal error. Please try again.</Message></Error>";

fn error_document(error: S3Error) -> Result<HttpResponse, s3s::HttpError> {
    error.to_http_response().map_err(|error| s3s::HttpError::new(Box::new(error)))
}

/// XML that stands in for what s3s would write.
#[derive(Clone)]
struct Document(Bytes);

/// An answer whose body is `xml` in place of the output's own.
pub(crate) fn document<T: Default>(xml: Bytes) -> S3Response<T> {
    let mut response = S3Response::new(T::default());
    response.extensions.insert(Document(xml));
    response
}

/// What s3s leaves undone: documents of our own, 206, no body where HTTP allows none.
fn mend(method: &Method, mut answer: HttpResponse) -> HttpResponse {
    if let Some(Document(xml)) = answer.extensions_mut().remove() {
        *answer.body_mut() = Body::from(xml);
    }
    if answer.status() == StatusCode::OK && answer.headers().contains_key(CONTENT_RANGE) {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let status = answer.status();
    let bare = status == StatusCode::NOT_MODIFIED || (*method == Method::HEAD && !status.is_success());
    if bare {
        *answer.body_mut() = Body::empty();
        answer.headers_mut().remove(CONTENT_LENGTH);
        if status == StatusCode::NOT_MODIFIED {
            answer.headers_mut().remove(CONTENT_TYPE);
        }
    }
    answer
}
