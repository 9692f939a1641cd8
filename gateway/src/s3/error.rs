//! The one table: what went wrong -> S3 code -> HTTP status -> what the client is told. Whoever answers logs: failures with their
//! chain, once; refusals are the client's affair and not logged.

use std::borrow::Cow;

use http::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode, S3Response, S3Result};
use terrace_long_term::BodyError;
use terrace_store::object::Algorithm;
use terrace_store::{Error, FailureKind, Refusal};

use super::translate::{checksum, time};
use crate::auth::{BodyRefusal, RequestId};
use crate::telemetry::chain;

/// Why an operation has no answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The store says so.
    Store(Error),
    /// S3 has a code of its own for it that the store does not know of.
    Protocol(S3Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Store(refusal.into())
    }
}

impl From<S3Error> for Problem {
    fn from(error: S3Error) -> Self {
        Self::Protocol(error)
    }
}

/// Result of an operation.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

/// An answer, or the error document; a failure is logged.
pub(crate) fn answered<T>(
    operation: &'static str,
    id: Option<&RequestId>,
    result: Result<S3Response<T>>,
) -> S3Result<S3Response<T>> {
    result.map_err(|problem| {
        if let Problem::Store(error) = &problem {
            log(operation, id, error);
        }
        document_of(problem)
    })
}

/// The error document of a problem, without logging it.
pub(crate) fn document_of(problem: Problem) -> S3Error {
    match problem {
        Problem::Protocol(error) => error,
        Problem::Store(error) => document(&error),
    }
}

/// The error document of an error, without logging it.
pub(crate) fn document(error: &Error) -> S3Error {
    match error {
        Error::Refused(refusal) => refused(refusal),
        Error::Failed(failure) => failed(failure.kind()).into(),
        Error::Body(body) => broken(body),
    }
}

/// An error document of its own.
pub(crate) fn protocol(
    code: &'static str,
    status: StatusCode,
    message: impl Into<Cow<'static, str>>,
) -> S3Error {
    Row { code, status, message: message.into() }.into()
}

struct Row {
    code: &'static str,
    status: StatusCode,
    message: Cow<'static, str>,
}

impl From<Row> for S3Error {
    fn from(row: Row) -> Self {
        let code = S3ErrorCode::from_bytes(row.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let mut error = S3Error::with_message(code, row.message);
        error.set_status_code(row.status);
        error
    }
}

/// Logs a failure with its chain. What is the client's affair is not logged.
pub(crate) fn log(operation: &'static str, id: Option<&RequestId>, error: &Error) {
    if let Error::Failed(failure) = error {
        let request_id = id.map(|id| id.0.as_str());
        tracing::error!(operation, request_id, kind = ?failure.kind(), error = %chain(failure), "operation failed");
    }
}

fn refused(refusal: &Refusal) -> S3Error {
    let mut error = S3Error::from(refusal_row(refusal));
    let mut headers = HeaderMap::new();
    match refusal {
        Refusal::NotModified { etag, modified_ms } => {
            headers.extend(HeaderValue::from_str(etag).ok().map(|etag| (ETAG, etag)));
            headers.insert(LAST_MODIFIED, time::http_date(*modified_ms));
        }
        Refusal::RangeUnsatisfiable { size } => {
            headers.extend(
                HeaderValue::try_from(format!("bytes */{size}")).ok().map(|all| (CONTENT_RANGE, all)),
            );
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        _ => return error,
    }
    error.set_headers(headers);
    error
}

/// Codes, statuses and words of S3 (S3 API, "Error responses").
fn refusal_row(refusal: &Refusal) -> Row {
    use Refusal as R;
    use StatusCode as S;
    let (code, status, message): (_, _, Cow<'static, str>) = match refusal {
        R::NoSuchBucket => ("NoSuchBucket", S::NOT_FOUND, "The specified bucket does not exist".into()),
        R::NoSuchKey => ("NoSuchKey", S::NOT_FOUND, "The specified key does not exist.".into()),
        R::NoSuchUpload => ("NoSuchUpload", S::NOT_FOUND, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.".into()),
        R::BucketAlreadyOwnedByYou => ("BucketAlreadyOwnedByYou", S::CONFLICT, "Your previous request to create the named bucket succeeded and you already own it.".into()),
        R::BucketAlreadyExists => ("BucketAlreadyExists", S::CONFLICT, "The requested bucket name is not available. Please select a different name and try again.".into()),
        R::BucketNotEmpty => ("BucketNotEmpty", S::CONFLICT, "The bucket you tried to delete is not empty".into()),
        R::InvalidBucketName => ("InvalidBucketName", S::BAD_REQUEST, "The specified bucket is not valid.".into()),
        R::KeyTooLong => ("KeyTooLongError", S::BAD_REQUEST, "Your key is too long".into()),
        R::MetadataTooLarge => ("MetadataTooLarge", S::BAD_REQUEST, "Your metadata headers exceed the maximum allowed metadata size".into()),
        R::EntityTooLarge => ("EntityTooLarge", S::BAD_REQUEST, "Your proposed upload exceeds the maximum allowed size".into()),
        R::PartTooSmall { number, size } => ("EntityTooSmall", S::BAD_REQUEST, format!("Your proposed upload is smaller than the minimum allowed size: part {number} has {size} bytes").into()),
        R::InvalidPart { number } => ("InvalidPart", S::BAD_REQUEST, format!("One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag: part {number}").into()),
        R::PartOrder => ("InvalidPartOrder", S::BAD_REQUEST, "The list of parts was not in ascending order. Parts must be ordered by part number.".into()),
        R::InvalidRequest(what) => ("InvalidRequest", S::BAD_REQUEST, (*what).into()),
        R::InvalidArgument(what) => ("InvalidArgument", S::BAD_REQUEST, (*what).into()),
        R::ChecksumAlgorithm { expected, sent } => ("InvalidRequest", S::BAD_REQUEST, format!("Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}", lower(Some(*expected)), lower(*sent)).into()),
        R::PartChecksumMissing { number, algorithm } => ("InvalidRequest", S::BAD_REQUEST, format!("The upload was created using a {} checksum. The complete request must include the checksum for each part. It was missing for part {number} in the request.", lower(Some(*algorithm))).into()),
        R::ChecksumMismatch(algorithm) => ("BadDigest", S::BAD_REQUEST, format!("The {} you specified did not match the calculated checksum.", checksum::name(*algorithm)).into()),
        R::MalformedXml => ("MalformedXML", S::BAD_REQUEST, "The XML you provided was not well-formed or did not validate against our published schema".into()),
        R::NotImplemented(what) => ("NotImplemented", S::NOT_IMPLEMENTED, format!("A header or query you provided implies functionality that is not implemented: {what}").into()),
        R::PreconditionFailed(condition) => ("PreconditionFailed", S::PRECONDITION_FAILED, format!("{DID_NOT_HOLD}: {condition}").into()),
        R::NotModified { .. } => ("NotModified", S::NOT_MODIFIED, "Not Modified".into()),
        R::RangeUnsatisfiable { .. } => ("InvalidRange", S::RANGE_NOT_SATISFIABLE, "The requested range is not satisfiable".into()),
        R::AccessDenied => ("AccessDenied", S::FORBIDDEN, "Access Denied".into()),
        R::SlowDown => ("SlowDown", S::SERVICE_UNAVAILABLE, "Please reduce your request rate.".into()),
    };
    Row { code, status, message }
}

/// The beginning of the message of a condition that failed; behind it and a colon comes which.
pub(crate) const DID_NOT_HOLD: &str = "At least one of the pre-conditions you specified did not hold";

/// The name of an algorithm in the messages of S3.
fn lower(algorithm: Option<Algorithm>) -> String {
    algorithm.map_or_else(|| "null".to_owned(), |algorithm| checksum::name(algorithm).to_lowercase())
}

/// Words for the codes that s3s gives out without any. None needs escaping in XML.
pub(crate) fn message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "IncompleteBody" => "The number of bytes is not the one that Content-Length announced",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Could not parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MissingRequestBodyError" => "Request Body is empty",
        "NotImplemented" => "This operation is not implemented.",
        _ => "The request could not be served.",
    }
}

/// What a client learns of a failure: whether to come again. Never what failed.
fn failed(kind: FailureKind) -> Row {
    use FailureKind as K;
    use StatusCode as S;
    let (code, status, message) = match kind {
        K::Unavailable | K::TimedOut => (
            "ServiceUnavailable",
            S::SERVICE_UNAVAILABLE,
            "Service is unable to handle request. Please try again.",
        ),
        K::Throttled => ("SlowDown", S::SERVICE_UNAVAILABLE, "Please reduce your request rate."),
        K::NoSpace => (
            "InsufficientStorage",
            S::SERVICE_UNAVAILABLE,
            "There is no room for more data. Reads and deletes still work.",
        ),
        K::Unsupported => {
            ("NotImplemented", S::NOT_IMPLEMENTED, "This deployment does not support the operation.")
        }
        K::MaybeCommitted | K::Corrupt | K::Bug => {
            ("InternalError", S::INTERNAL_SERVER_ERROR, "We encountered an internal error. Please try again.")
        }
    };
    Row { code, status, message: message.into() }
}

/// The body's own error, as the guard typed it; else the connection broke.
fn broken(body: &BodyError) -> S3Error {
    let lost = BodyRefusal::IncompleteBody { source: None };
    let refusal = BodyRefusal::find(body).unwrap_or(&lost);
    let code = refusal.code();
    let status = code.status_code().unwrap_or(StatusCode::BAD_REQUEST);
    let mut error = S3Error::with_message(code, refusal.message());
    error.set_status_code(status);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_store::Failure;

    fn line(error: &S3Error) -> String {
        format!("{} {}", error.code().as_str(), error.status_code().unwrap().as_u16())
    }

    #[test]
    fn each_refusal_has_its_code_and_status() {
        let table = [
            (Refusal::NoSuchBucket, "NoSuchBucket 404"),
            (Refusal::NoSuchKey, "NoSuchKey 404"),
            (Refusal::NoSuchUpload, "NoSuchUpload 404"),
            (Refusal::BucketAlreadyOwnedByYou, "BucketAlreadyOwnedByYou 409"),
            (Refusal::BucketAlreadyExists, "BucketAlreadyExists 409"),
            (Refusal::BucketNotEmpty, "BucketNotEmpty 409"),
            (Refusal::InvalidBucketName, "InvalidBucketName 400"),
            (Refusal::KeyTooLong, "KeyTooLongError 400"),
            (Refusal::MetadataTooLarge, "MetadataTooLarge 400"),
            (Refusal::EntityTooLarge, "EntityTooLarge 400"),
            (Refusal::PartTooSmall { number: 1, size: 2 }, "EntityTooSmall 400"),
            (Refusal::InvalidPart { number: 1 }, "InvalidPart 400"),
            (Refusal::PartOrder, "InvalidPartOrder 400"),
            (Refusal::InvalidRequest("x"), "InvalidRequest 400"),
            (Refusal::InvalidArgument("x"), "InvalidArgument 400"),
            (Refusal::ChecksumAlgorithm { expected: Algorithm::Crc32, sent: None }, "InvalidRequest 400"),
            (Refusal::PartChecksumMissing { number: 1, algorithm: Algorithm::Sha1 }, "InvalidRequest 400"),
            (Refusal::ChecksumMismatch(Algorithm::Sha256), "BadDigest 400"),
            (Refusal::MalformedXml, "MalformedXML 400"),
            (Refusal::NotImplemented("x"), "NotImplemented 501"),
            (Refusal::PreconditionFailed("If-Match"), "PreconditionFailed 412"),
            (Refusal::NotModified { etag: "\"e\"".into(), modified_ms: 0 }, "NotModified 304"),
            (Refusal::RangeUnsatisfiable { size: 0 }, "InvalidRange 416"),
            (Refusal::AccessDenied, "AccessDenied 403"),
            (Refusal::SlowDown, "SlowDown 503"),
        ];
        for (refusal, expected) in table {
            let error = document(&refusal.into());
            assert_eq!(line(&error), expected);
            assert!(!matches!(error.code(), S3ErrorCode::Custom(_)), "{expected} is known to s3s");
        }
    }

    #[test]
    fn a_failure_tells_its_client_nothing_of_the_inside() {
        let table = [
            (FailureKind::Unavailable, "ServiceUnavailable 503"),
            (FailureKind::Throttled, "SlowDown 503"),
            (FailureKind::TimedOut, "ServiceUnavailable 503"),
            (FailureKind::MaybeCommitted, "InternalError 500"),
            (FailureKind::NoSpace, "InsufficientStorage 503"),
            (FailureKind::Corrupt, "InternalError 500"),
            (FailureKind::Unsupported, "NotImplemented 501"),
            (FailureKind::Bug, "InternalError 500"),
        ];
        for (kind, expected) in table {
            let failure = Failure::new(kind, "secret operation", "secret backend")
                .because(std::io::Error::other("secret cause"));
            assert_eq!(
                chain(&failure).to_string(),
                "secret operation failed on secret backend: secret cause"
            );
            let error = document(&failure.into());
            assert_eq!(line(&error), expected);
            assert!(!error.message().unwrap().contains("secret") && error.source().is_none());
        }
    }

    #[test]
    fn a_broken_body_answers_with_the_code_of_what_broke_it() {
        let table = [
            (BodyRefusal::BadDigest { what: "Content-MD5" }, "BadDigest 400"),
            (BodyRefusal::ContentSha256Mismatch, "XAmzContentSHA256Mismatch 400"),
            (BodyRefusal::SignatureMismatch, "SignatureDoesNotMatch 403"),
            (BodyRefusal::IdleTimeout, "RequestTimeout 400"),
            (BodyRefusal::IncompleteBody { source: None }, "IncompleteBody 400"),
        ];
        for (refusal, expected) in table {
            assert_eq!(line(&document(&BodyError::new(refusal).into())), expected);
        }
        let unknown = BodyError::new(std::io::Error::other("connection reset"));
        assert_eq!(line(&document(&unknown.into())), "IncompleteBody 400");
    }

    #[test]
    fn refusals_that_carry_headers_carry_them() {
        let error = document(&Refusal::NotModified { etag: "\"e-1\"".into(), modified_ms: 5_999 }.into());
        let headers = error.headers().unwrap();
        assert_eq!(headers[ETAG], "\"e-1\"");
        assert_eq!(headers[LAST_MODIFIED], "Thu, 01 Jan 1970 00:00:05 GMT");
        let error = document(&Refusal::RangeUnsatisfiable { size: 7 }.into());
        assert_eq!(error.headers().unwrap()[CONTENT_RANGE], "bytes */7");
    }
}
