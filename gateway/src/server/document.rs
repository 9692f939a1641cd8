//! The S3 error document, for the few errors that are the server's own.

use bytes::Bytes;

use super::request_id::RequestId;

/// The document of what there is no room for.
pub(super) fn slow_down(id: RequestId) -> Bytes {
    error_document("SlowDown", "Please reduce your request rate.", id)
}

/// The document of an error. `code` and `message` are the server's own words: they need no escaping and must hold no value of a user.
pub(super) fn error_document(code: &'static str, message: &'static str, id: RequestId) -> Bytes {
    Bytes::from(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{id}</RequestId></Error>"
    ))
}
