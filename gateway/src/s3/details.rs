//! What an error document says beyond its code, in one place for all errors, whoever refused: what S3 puts into them (S3 API, "Error
//! responses") as far as the request itself or the answer's head knows it. Nothing of the inside, and nothing that was not sent by the
//! client but the size of an object that it may read.

use std::borrow::Cow;

use http::header::{CONTENT_RANGE, HOST, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use percent_encoding::percent_decode_str;
use s3s::host::S3Host as _;
use s3s::{Body, HttpResponse};

use super::error;
use super::inbound::COPY_SOURCE;
use super::translate::xml::{Document, Encoding};
use crate::auth::RequestId;
use crate::server::{Arrival, Domain};

/// Longest key, in bytes, and largest body of one request.
const KEY_MAX: u64 = 1_024;
const BODY_MAX: u64 = 5 << 30;

/// What of a request its error document may repeat. Taken before the request is handed on; a few reference counts.
pub struct Details {
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    range: Option<HeaderValue>,
    is_copy: bool,
    id: Option<RequestId>,
    host_id: Option<HeaderValue>,
}

impl Details {
    /// Of a request as it came.
    #[must_use]
    pub fn of<B>(request: &Request<B>) -> Self {
        let header = |name| request.headers().get(name).cloned();
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            host: header(HOST),
            range: header(RANGE),
            is_copy: request.headers().contains_key(COPY_SOURCE),
            id: request.extensions().get::<RequestId>().cloned(),
            host_id: request.extensions().get::<Arrival>().map(|arrival| arrival.host_id.clone()),
        }
    }

    /// Completes the answer if it has an error document. `domain`: below which hosts name buckets.
    #[must_use]
    pub fn complete(self, mut answer: HttpResponse, domain: Option<&Domain>) -> HttpResponse {
        let status = answer.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return answer;
        }
        let written = answer.body().bytes().unwrap_or_default();
        let Ok(text) = std::str::from_utf8(&written) else { return answer };
        let Some(mut document) = Document::reopened("Error", &written) else { return answer };
        let code = element(text, "Code").unwrap_or_default();
        if element(text, "Message").is_none() {
            document.text("Message", error::message(code));
        }
        if let Some(RequestId(id)) = self.id.as_ref().filter(|_| element(text, "RequestId").is_none()) {
            document.text("RequestId", id);
        }
        if let Some(host_id) = self.host_id.as_ref().and_then(|id| id.to_str().ok()) {
            document.text("HostId", host_id);
        }
        let path = self.path(domain);
        let (bucket, key) = divided(&path);
        document.key("Resource", &path, Encoding::Plain);
        match code {
            // Where something is copied, the one that is missing may be the other.
            _ if self.is_copy => {}
            "NoSuchKey" => document.key("Key", key, Encoding::Plain),
            "NoSuchUpload" => document.key("UploadId", &self.parameter("uploadId"), Encoding::Plain),
            "KeyTooLongError" => {
                document.number("Size", key.len() as u64);
                document.number("MaxSizeAllowed", KEY_MAX);
            }
            "EntityTooLarge" if self.method == Method::PUT => document.number("MaxSizeAllowed", BODY_MAX),
            "InvalidRange" => self.range(&mut document, answer.headers()),
            "PreconditionFailed" => {
                let message = element(text, "Message").unwrap_or_default();
                if let Some((_, condition)) = message.split_once(error::DID_NOT_HOLD) {
                    document.text("Condition", condition.trim_start_matches([':', ' ']));
                }
            }
            "MethodNotAllowed" => {
                document.text("Method", self.method.as_str());
                document.plain("ResourceType", if key.is_empty() { b"BUCKET" } else { b"OBJECT" });
            }
            _ if code.contains("Bucket") || code.ends_with("ConfigurationNotFoundError") => {
                document.key("BucketName", bucket, Encoding::Plain);
            }
            _ => {}
        }
        *answer.body_mut() = Body::from(document.finish());
        answer
    }

    fn range(&self, document: &mut Document, headers: &HeaderMap) {
        if let Some(range) = self.range.as_ref().and_then(|range| range.to_str().ok()) {
            document.text("RangeRequested", range);
        }
        let all = headers.get(CONTENT_RANGE).and_then(|range| range.to_str().ok()?.strip_prefix("bytes */"));
        if let Some(size) = all.and_then(|size| size.parse().ok()) {
            document.number("ActualObjectSize", size);
        }
    }

    /// `/bucket/key`, decoded, in either style.
    fn path(&self, domain: Option<&Domain>) -> Vec<u8> {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        let there = domain.zip(host).and_then(|(domain, host)| domain.parse_host_header(host).ok());
        let mut path = match there.as_ref().and_then(|there| there.bucket()) {
            Some(bucket) => format!("/{bucket}").into_bytes(),
            None => Vec::new(),
        };
        path.extend(percent_decode_str(self.uri.path()));
        path
    }

    fn parameter(&self, name: &str) -> Cow<'_, [u8]> {
        let pairs = self.uri.query().unwrap_or_default().split('&');
        let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == name);
        value.map_or(Cow::Borrowed(&[]), |(_, value)| percent_decode_str(value).into())
    }
}

/// Bucket and key of `/bucket/key`.
fn divided(path: &[u8]) -> (&[u8], &[u8]) {
    let inside = path.strip_prefix(b"/").unwrap_or(path);
    let end = inside.iter().position(|byte| *byte == b'/').unwrap_or(inside.len());
    let (bucket, rest) = inside.split_at(end);
    (bucket, rest.strip_prefix(b"/").unwrap_or(rest))
}

/// Text of the first element of this name, as it is escaped.
fn element<'d>(document: &'d str, name: &str) -> Option<&'d str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn completed(
        request: http::request::Builder,
        (code, status): (&'static str, u16),
        message: &str,
    ) -> String {
        let request = request.body(()).unwrap();
        let error = error::protocol(code, StatusCode::from_u16(status).unwrap(), message.to_owned());
        let mut answer = error.to_http_response().unwrap();
        answer.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_static("bytes */7"));
        let domain = Domain::new("s3.example.com");
        let answer = Details::of(&request).complete(answer, Some(&domain));
        String::from_utf8(answer.body().bytes().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn an_error_repeats_what_was_asked_in_either_style_and_escaped() {
        let path_style = || Request::get("/b/a%3Cb%26%2Fc?uploadId=u%3C").header("host", "127.0.0.1:9000");
        let host_style = || Request::get("/a%3Cb%26%2Fc").header("host", "B.s3.example.com:9000");
        for request in [path_style(), host_style()] {
            let said = completed(request, ("NoSuchKey", 404), "gone");
            assert!(said.contains("<Resource>/b/a&lt;b&amp;/c</Resource>"), "{said}");
            assert!(said.contains("<Key>a&lt;b&amp;/c</Key>") && said.ends_with("</Error>"), "{said}");
        }
        for (code, status, element) in [
            ("NoSuchBucket", 404, "<BucketName>b</BucketName>"),
            ("BucketNotEmpty", 409, "<BucketName>b</BucketName>"),
            ("NoSuchUpload", 404, "<UploadId>u&lt;</UploadId>"),
            (
                "InvalidRange",
                416,
                "<RangeRequested>bytes=9-</RangeRequested><ActualObjectSize>7</ActualObjectSize>",
            ),
            ("PreconditionFailed", 412, "<Condition>If-Match</Condition>"),
            ("MethodNotAllowed", 405, "<Method>GET</Method><ResourceType>OBJECT</ResourceType>"),
            ("KeyTooLongError", 400, "<Size>6</Size><MaxSizeAllowed>1024</MaxSizeAllowed>"),
        ] {
            let message = format!("{}: If-Match", error::DID_NOT_HOLD);
            let said = completed(path_style().header("range", "bytes=9-"), (code, status), &message);
            assert!(said.contains(element), "{code}: {said}");
        }
        let copy = completed(path_style().header("x-amz-copy-source", "b/other"), ("NoSuchKey", 404), "gone");
        assert!(!copy.contains("<Key>"), "{copy}");
    }
}
