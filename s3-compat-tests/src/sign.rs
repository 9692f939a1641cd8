//! Signature version 4 (AWS Signature Version 4 for S3, "Authorization header") by hand: for requests that no SDK would let through, and
//! for the load program, which signs tens of thousands a second.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

/// What a query value is escaped to: everything but the unreserved characters of RFC 3986.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, where `/` stays.
const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Lower-case hex SHA-256 of nothing.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Lower-case hex SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Escapes an object key (or a whole path) for a request line.
#[must_use]
pub fn escape_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// Escapes a query name or value.
#[must_use]
pub fn escape_query(value: &str) -> String {
    utf8_percent_encode(value, QUERY).to_string()
}

/// A request before it is signed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `PUT`, ...
    pub method: &'static str,
    /// Path, escaped: `/bucket/key`.
    pub path: String,
    /// Query without `?`, escaped, names in rising order, each with `=`; or empty.
    pub query: String,
    /// More headers to sign and send, names in lower case. `host`, `x-amz-date` and `x-amz-content-sha256` are added.
    pub headers: Vec<(&'static str, String)>,
    /// Value of `x-amz-content-sha256`; [`EMPTY_SHA256`] if empty.
    pub payload: String,
    /// Value of `content-length`; `None` sends none. Not signed.
    pub length: Option<u64>,
}

impl Request {
    /// A request for `path` (not escaped yet: `/bucket/key`) without a body.
    #[must_use]
    pub fn new(method: &'static str, path: &str) -> Self {
        Self { method, path: escape_path(path), ..Self::default() }
    }

    /// With this body: its hash is signed and its length sent.
    #[must_use]
    pub fn body(mut self, bytes: &[u8]) -> Self {
        self.payload = sha256(bytes);
        self.length = Some(bytes.len() as u64);
        self
    }

    /// With one more signed header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a query as it stands: escaped, sorted, each name with `=`.
    #[must_use]
    pub fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }
}

/// Signs requests for one host with one key, on the day it was made.
#[derive(Clone)]
pub struct Signer {
    host: String,
    credential: String,
    scope: String,
    key: Vec<u8>,
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Now, as `YYYYMMDDThhmmssZ`.
fn amz_date() -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    OffsetDateTime::now_utc().format(format).expect("a date of digits")
}

impl Signer {
    /// A signer for `host` (`127.0.0.1:PORT`) in [`crate::server::REGION`].
    #[must_use]
    pub fn new(host: &str, access_key: &str, secret_key: &str) -> Self {
        let date = amz_date();
        let day = &date[..8];
        let region = crate::server::REGION;
        let mut key = hmac(format!("AWS4{secret_key}").as_bytes(), day.as_bytes());
        for step in [region, "s3", "aws4_request"] {
            key = hmac(&key, step.as_bytes());
        }
        let scope = format!("{day}/{region}/s3/aws4_request");
        Self { host: host.to_owned(), credential: format!("{access_key}/{scope}"), scope, key }
    }

    /// A path with a query that presigns it now for `expires` (seconds, as text), of a request without a body whose only signed header is
    /// `host`. `request.query` must be empty.
    #[must_use]
    pub fn presigned(&self, request: &Request, expires: &str) -> String {
        let date = amz_date();
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={date}&X-Amz-Expires={}&X-Amz-SignedHeaders=host",
            escape_query(&self.credential),
            escape_query(expires)
        );
        let (method, path, host) = (request.method, &request.path, &self.host);
        let canonical = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{}", self.scope, sha256(canonical.as_bytes()));
        format!("{path}?{query}&X-Amz-Signature={}", hex::encode(hmac(&self.key, text.as_bytes())))
    }

    /// The head of the HTTP/1.1 request, signed now, ready to send before the body.
    #[must_use]
    pub fn head(&self, request: &Request) -> String {
        self.signed(request, &amz_date()).0
    }

    /// Head and body of a request whose body goes in chunks of `size` bytes, each signed on top of the one before; behind it `trailer`, a
    /// name in lower case and its value, signed as well ("Transferring Payload in Multiple Chunks"). Says nothing of `aws-chunked`.
    #[must_use]
    pub fn in_chunks(
        &self,
        request: Request,
        body: &[u8],
        size: usize,
        trailer: Option<(&str, &str)>,
    ) -> (String, Vec<u8>) {
        let mut request = request.header("x-amz-decoded-content-length", body.len().to_string());
        request.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned();
        if let Some((name, _)) = trailer {
            request.payload += "-TRAILER";
            request = request.header("x-amz-trailer", name);
        }
        let date = amz_date();
        let mut before = self.signed(&request, &date).1;
        let mut sign = |kind: &str, what: &str| {
            let text = format!("AWS4-HMAC-SHA256-{kind}\n{date}\n{}\n{before}\n{what}", self.scope);
            before = hex::encode(hmac(&self.key, text.as_bytes()));
            before.clone()
        };
        let mut encoded = Vec::new();
        for chunk in body.chunks(size).chain([&[][..]]) {
            let signature = sign("PAYLOAD", &format!("{EMPTY_SHA256}\n{}", sha256(chunk)));
            encoded
                .extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).as_bytes());
            encoded.extend_from_slice(chunk);
            if !chunk.is_empty() {
                encoded.extend_from_slice(b"\r\n");
            }
        }
        if let Some((name, value)) = trailer {
            let signature = sign("TRAILER", &sha256(format!("{name}:{value}\n").as_bytes()));
            let lines = format!("{name}:{value}\r\nx-amz-trailer-signature:{signature}\r\n");
            encoded.extend_from_slice(lines.as_bytes());
        }
        encoded.extend_from_slice(b"\r\n");
        // The length is not signed.
        request.length = Some(encoded.len() as u64);
        (self.signed(&request, &date).0, encoded)
    }

    /// The head, and the signature in it.
    fn signed(&self, request: &Request, date: &str) -> (String, String) {
        let payload = if request.payload.is_empty() { EMPTY_SHA256 } else { &request.payload };
        let mut headers: Vec<(&str, &str)> =
            request.headers.iter().map(|(name, value)| (*name, value.trim())).collect();
        headers.extend([
            ("host", self.host.as_str()),
            ("x-amz-content-sha256", payload),
            ("x-amz-date", date),
        ]);
        headers.sort_unstable();

        let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, request.query);
        for (name, value) in &headers {
            canonical.extend([*name, ":", *value, "\n"]);
        }
        canonical.extend(["\n", &signed, "\n", payload]);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{}", self.scope, sha256(canonical.as_bytes()));
        let signature = hex::encode(hmac(&self.key, text.as_bytes()));

        let mark = if request.query.is_empty() { "" } else { "?" };
        let mut head = format!("{} {}{mark}{} HTTP/1.1\r\n", request.method, request.path, request.query);
        for (name, value) in &headers {
            head.extend([*name, ": ", *value, "\r\n"]);
        }
        if let Some(length) = request.length {
            head.extend(["content-length: ", &length.to_string(), "\r\n"]);
        }
        let credential = &self.credential;
        head += &format!(
            "authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}\r\n\r\n"
        );
        (head, signature)
    }
}
