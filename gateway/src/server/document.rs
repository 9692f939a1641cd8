//! The S3 error document, for the few errors that are the server's own.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::request_id::RequestId;

/// An error of the server's own. The words need no escaping and hold no value of a user.
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

/// There is no room.
pub(super) const SLOW_DOWN: Said = Said {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "SlowDown",
    message: "Please reduce your request rate.",
};
/// The handler panicked.
pub(super) const INTERNAL_ERROR: Said = Said {
    status: StatusCode::INTERNAL_SERVER_ERROR,
    code: "InternalError",
    message: "We encountered an internal error. Please try again.",
};

/// The document of an error.
pub(super) fn error_document(said: &Said, id: RequestId, host_id: &HeaderValue) -> Bytes {
    let Said { code, message, .. } = said;
    let host_id = host_id.to_str().unwrap_or_default();
    Bytes::from(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>{id}</RequestId><HostId>{host_id}</HostId></Error>"
    ))
}
