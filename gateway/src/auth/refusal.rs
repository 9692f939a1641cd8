//! Why a request was turned away before routing, and the S3 error document that says so.

use std::borrow::Cow;

use http::{HeaderValue, Method, StatusCode};
use s3s::{S3Error, S3ErrorCode};

use super::body_refusal::BodyRefusal;

/// The id of a request, made by the server for each request and put into its extensions before the guard sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// A request that the guard does not let through. Codes, statuses and the gist of messages are those of AWS.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// Not signed as required, or no longer valid.
    #[error("access denied: {0}")]
    AccessDenied(&'static str),
    /// The `Authorization` header cannot be read or names another region.
    #[error("authorization header malformed: {0}")]
    AuthorizationHeaderMalformed(Cow<'static, str>),
    /// The query parameters of a presigned request cannot be read or are out of bounds.
    #[error("authorization query parameters: {0}")]
    AuthorizationQueryParameters(Cow<'static, str>),
    /// Signed for another region.
    #[error("signed for region {named}, not {region}")]
    WrongRegion {
        /// Whether the signature was in the query.
        presigned: bool,
        /// The region that was signed for.
        named: String,
        /// The right one: clients that find it in the answer sign again (boto3, s3cmd).
        region: String,
    },
    /// No such access key.
    #[error("unknown access key")]
    InvalidAccessKeyId,
    /// The signature is wrong.
    #[error("signature does not match")]
    SignatureDoesNotMatch,
    /// Signed more than 15 minutes ago or ahead.
    #[error("request time too skewed")]
    RequestTimeTooSkewed,
    /// A session token, which nobody here issues.
    #[error("session tokens are not issued here")]
    InvalidToken,
    /// A header or parameter that cannot be understood.
    #[error("invalid argument: {0}")]
    InvalidArgument(&'static str),
    /// A request that contradicts itself or lacks something.
    #[error("invalid request: {0}")]
    InvalidRequest(&'static str),
    /// Content-MD5 is not the base64 of 16 bytes.
    #[error("malformed Content-MD5")]
    InvalidDigest,
    /// The length of the body is not known.
    #[error("no content length")]
    MissingContentLength,
    /// More user metadata than S3 allows.
    #[error("user metadata larger than 2 KiB")]
    MetadataTooLarge,
    /// XML that is none, or none of S3.
    #[error("malformed XML")]
    MalformedXml,
    /// A document larger than any of S3.
    #[error("document too large")]
    DocumentTooLarge,
    /// No room for more documents at the moment.
    #[error("no room to hold the body")]
    SlowDown,
    /// Something of S3 that is not built.
    #[error("not implemented: {0}")]
    NotImplemented(&'static str),
    /// s3s failed to make an answer.
    #[error("internal error")]
    Internal,
    /// The body was wrong.
    #[error(transparent)]
    Body(#[from] BodyRefusal),
}

impl Refusal {
    /// The S3 error code.
    #[must_use]
    pub fn code(&self) -> S3ErrorCode {
        match self {
            Self::AccessDenied(_) => S3ErrorCode::AccessDenied,
            Self::WrongRegion { presigned: true, .. } => S3ErrorCode::AuthorizationQueryParametersError,
            Self::WrongRegion { .. } => S3ErrorCode::AuthorizationHeaderMalformed,
            Self::AuthorizationHeaderMalformed(_) => S3ErrorCode::AuthorizationHeaderMalformed,
            Self::AuthorizationQueryParameters(_) => S3ErrorCode::AuthorizationQueryParametersError,
            Self::InvalidAccessKeyId => S3ErrorCode::InvalidAccessKeyId,
            Self::SignatureDoesNotMatch => S3ErrorCode::SignatureDoesNotMatch,
            Self::RequestTimeTooSkewed => S3ErrorCode::RequestTimeTooSkewed,
            Self::InvalidToken => S3ErrorCode::InvalidToken,
            Self::InvalidArgument(_) => S3ErrorCode::InvalidArgument,
            Self::InvalidRequest(_) => S3ErrorCode::InvalidRequest,
            Self::InvalidDigest => S3ErrorCode::InvalidDigest,
            Self::MissingContentLength => S3ErrorCode::MissingContentLength,
            Self::MetadataTooLarge => S3ErrorCode::MetadataTooLarge,
            Self::MalformedXml => S3ErrorCode::MalformedXML,
            Self::DocumentTooLarge => S3ErrorCode::MaxMessageLengthExceeded,
            Self::SlowDown => S3ErrorCode::SlowDown,
            Self::NotImplemented(_) => S3ErrorCode::NotImplemented,
            Self::Internal => S3ErrorCode::InternalError,
            Self::Body(body) => body.code(),
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied(what) | Self::InvalidArgument(what) => (*what).into(),
            Self::InvalidRequest(what) | Self::NotImplemented(what) => (*what).into(),
            Self::AuthorizationHeaderMalformed(what) => {
                format!("The authorization header is malformed; {what}").into()
            }
            Self::AuthorizationQueryParameters(what) => what.clone(),
            Self::WrongRegion { presigned: true, region, .. } => {
                format!("Error parsing the X-Amz-Credential parameter; the region is wrong; expecting '{region}'").into()
            }
            Self::WrongRegion { named, region, .. } => {
                format!("The authorization header is malformed; the region '{named}' is wrong; expecting '{region}'").into()
            }
            Self::InvalidAccessKeyId => {
                "The AWS access key Id you provided does not exist in our records.".into()
            }
            Self::SignatureDoesNotMatch => {
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method."
                    .into()
            }
            Self::RequestTimeTooSkewed => {
                "The difference between the request time and the current time is too large.".into()
            }
            Self::InvalidToken => "The provided token is malformed or otherwise invalid.".into(),
            Self::InvalidDigest => "The Content-MD5 you specified was invalid.".into(),
            Self::MissingContentLength => "You must provide the Content-Length HTTP header.".into(),
            Self::MetadataTooLarge => {
                "Your metadata headers exceed the maximum allowed metadata size.".into()
            }
            Self::MalformedXml => {
                "The XML you provided was not well-formed or did not validate against our published schema".into()
            }
            Self::DocumentTooLarge => "Your request was too big.".into(),
            Self::SlowDown => "Please reduce your request rate.".into(),
            Self::Internal => "We encountered an internal error. Please try again.".into(),
            Self::Body(body) => body.message().into(),
        }
    }

    /// The answer: an S3 error document with `Code`, `Message`, `RequestId` and the header `x-amz-request-id`; no document
    /// to a HEAD.
    #[must_use]
    pub fn response(&self, method: &Method, id: Option<&RequestId>) -> s3s::HttpResponse {
        let code = self.code();
        let status = code.status_code().unwrap_or(StatusCode::BAD_REQUEST);
        let mut error = S3Error::with_message(code, self.message());
        error.set_status_code(status);
        if let Some(RequestId(id)) = id {
            error.set_request_id(id.clone());
        }
        // Writing XML into memory does not fail; if it did, the status alone would still be right.
        let mut response = error.to_http_response().unwrap_or_default();
        *response.status_mut() = status;
        if let Self::WrongRegion { region, .. } = self {
            tell_region(&mut response, region);
        }
        if let Some(value) = id.and_then(|RequestId(id)| HeaderValue::from_str(id).ok()) {
            response.headers_mut().insert("x-amz-request-id", value);
        }
        if method == Method::HEAD {
            *response.body_mut() = s3s::Body::empty();
        }
        response
    }
}

/// The element and the header in which AWS tells the right region. It is a setting of letters, digits, `-` and `.`.
fn tell_region(response: &mut s3s::HttpResponse, region: &str) {
    if let Ok(value) = HeaderValue::from_str(region) {
        response.headers_mut().insert("x-amz-bucket-region", value);
    }
    let document = response.body().bytes().unwrap_or_default();
    if let Some(open) = std::str::from_utf8(&document).ok().and_then(|text| text.strip_suffix("</Error>")) {
        *response.body_mut() = s3s::Body::from(format!("{open}<Region>{region}</Region></Error>"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: s3s::HttpResponse) -> String {
        String::from_utf8(response.into_body().bytes().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn a_client_that_signed_for_another_region_is_told_the_right_one() {
        for (presigned, code) in
            [(false, "AuthorizationHeaderMalformed"), (true, "AuthorizationQueryParametersError")]
        {
            let refusal =
                Refusal::WrongRegion { presigned, named: "US".to_owned(), region: "eu-central-1".to_owned() };
            let head = refusal.response(&Method::HEAD, None);
            assert_eq!(head.headers().get("x-amz-bucket-region").unwrap(), "eu-central-1");
            let said = text(refusal.response(&Method::GET, None));
            assert!(said.contains(&format!("<Code>{code}</Code>")), "{said}");
            assert!(said.ends_with("<Region>eu-central-1</Region></Error>"), "{said}");
        }
    }

    #[test]
    fn a_refusal_is_an_s3_error_document_with_the_request_id() {
        let id = RequestId("4F2A".into());
        let response = Refusal::AuthorizationHeaderMalformed("a<b".into()).response(&Method::GET, Some(&id));
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["x-amz-request-id"], "4F2A");
        assert_eq!(response.headers()["content-type"], "application/xml");
        let body = text(response);
        assert!(body.contains("<Error><Code>AuthorizationHeaderMalformed</Code><Message>"), "{body}");
        assert!(body.contains("a&lt;b</Message><RequestId>4F2A</RequestId></Error>"), "{body}");
    }

    #[test]
    fn a_head_gets_the_status_without_a_document() {
        let response = Refusal::InvalidAccessKeyId.response(&Method::HEAD, None);
        assert_eq!(response.status(), 403);
        assert_eq!(text(response), "");
    }

    #[test]
    fn codes_that_s3s_does_not_know_still_have_their_status() {
        let response = Refusal::Body(BodyRefusal::ContentSha256Mismatch).response(&Method::PUT, None);
        assert_eq!(response.status(), 400);
        assert!(text(response).contains("<Code>XAmzContentSHA256Mismatch</Code>"));
        let response = Refusal::Body(BodyRefusal::SignatureMismatch).response(&Method::PUT, None);
        assert_eq!(response.status(), 403);
    }
}
