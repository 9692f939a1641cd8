//! One line of the S3 access log, in the format of S3 server access logs (S3 User Guide, "Amazon S3 server access log format").

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, Version};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use time::OffsetDateTime;
use time::macros::format_description;

use super::{Duration, Method, Request, Routed, StatusCode};

/// What a key is escaped of: it may hold blanks and quotes, a line may not.
const KEY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');
/// What a quoted field is escaped of.
const QUOTED: &AsciiSet = &CONTROLS.add(b'"');
/// Longest value of a header that is kept, in bytes.
const VALUE_MAX: usize = 1_024;

/// What is kept of a request until it is over.
#[derive(Debug)]
pub(super) struct Head {
    method: Method,
    target: String,
    version: Version,
    host: Option<String>,
    referer: Option<String>,
    agent: Option<String>,
    authentication: Option<(&'static str, &'static str)>,
    length: Option<u64>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Now, milliseconds since the epoch.
    pub wall_ms: u64,
    /// From the head of the request to the last byte of its answer.
    pub took: Duration,
    /// From the head of the request to the head of its answer; zero: there was none.
    pub turned: Duration,
    /// Who called.
    pub peer: SocketAddr,
    /// The ids of the request, short and long.
    pub ids: (&'a str, &'a str),
    /// Status of the answer.
    pub status: StatusCode,
    /// S3 code of an error.
    pub code: Option<&'a str>,
    /// Bytes of the answer's body that left.
    pub sent: u64,
    /// Bytes of the whole object that the answer shows, or shows a range of.
    pub object: Option<u64>,
    /// An error ended its body.
    pub broke_off: bool,
    /// Protocol and cipher of TLS.
    pub tls: Option<(&'a str, &'a str)>,
}

impl Head {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let headers = request.headers();
        let text = |name: HeaderName| {
            let value = headers.get(name)?.as_bytes();
            Some(String::from_utf8_lossy(value.get(..VALUE_MAX).unwrap_or(value)).into_owned())
        };
        let number = |name: HeaderName| headers.get(name)?.to_str().ok()?.parse().ok();
        Self {
            method: request.method().clone(),
            target: request
                .uri()
                .path_and_query()
                .map_or_else(String::new, |target| without_secrets(target.as_str())),
            version: request.version(),
            host: text(HOST),
            referer: text(REFERER),
            agent: text(USER_AGENT),
            authentication: authentication(headers, request.uri().query().unwrap_or_default()),
            length: number(HeaderName::from_static("x-amz-decoded-content-length"))
                .or_else(|| number(CONTENT_LENGTH)),
        }
    }

    /// The line, with its end.
    pub(super) fn line(&self, routed: Option<&Routed>, answered: &Answered<'_>) -> String {
        let (bucket, key) = routed.map_or((None, None), |of| (of.bucket.as_deref(), of.key.as_deref()));
        let operation =
            routed.map_or(super::Operation::NONE, |of| of.operation).logged(&self.method, key.is_some());
        let (signature, authentication) = self.authentication.unwrap_or(("-", "-"));
        let stores = self.method == Method::PUT && key.is_some() && answered.status.is_success();
        let put = self.length.filter(|_| stores);
        let mut line = String::with_capacity(400);
        // A write to a string does not fail.
        let _never = writeln!(
            line,
            "terrace {bucket} [{time}] {peer} {requester} {id} {operation} {key} \"{method} {target} {version:?}\" {status} {code} {sent} \
             {object} {took} {turned} \"{referer}\" \"{agent}\" - {host_id} {signature} {cipher} {authentication} {host} {protocol} - -",
            bucket = plain(bucket),
            time = time(answered.wall_ms),
            peer = answered.peer.ip().to_canonical(),
            requester = plain(routed.map(|of| of.requester.access_key())),
            id = answered.ids.0,
            key = plain(key),
            method = self.method,
            target = quoted(Some(&self.target)),
            version = self.version,
            status = answered.status.as_u16(),
            code = plain(answered.code),
            sent = number((answered.sent > 0).then_some(answered.sent)),
            object = number(answered.object.or(put)),
            took = answered.took.as_millis(),
            turned = answered.turned.as_millis(),
            referer = quoted(self.referer.as_deref()),
            agent = quoted(self.agent.as_deref()),
            host_id = answered.ids.1,
            cipher = plain(answered.tls.map(|(_, cipher)| cipher)),
            host = plain(self.host.as_deref()),
            protocol = plain(answered.tls.map(|(protocol, _)| protocol)),
        );
        line
    }
}

fn authentication(headers: &HeaderMap, query: &str) -> Option<(&'static str, &'static str)> {
    let names = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    if let Some(value) = headers.get(AUTHORIZATION) {
        let four = value.as_bytes().starts_with(b"AWS4-");
        return Some((if four { "SigV4" } else { "SigV2" }, "AuthHeader"));
    }
    match () {
        () if names("X-Amz-Signature") => Some(("SigV4", "QueryString")),
        () if names("Signature") => Some(("SigV2", "QueryString")),
        () => None,
    }
}

/// The target without what would let a reader of the log ask the same.
fn without_secrets(target: &str) -> String {
    const SECRETS: [&str; 3] = ["x-amz-signature", "x-amz-security-token", "signature"];
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) => {
            format!("{name}=REDACTED")
        }
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn plain(value: Option<&str>) -> String {
    match value {
        None | Some("") => "-".to_owned(),
        Some(value) => utf8_percent_encode(value, KEY).to_string(),
    }
}

fn quoted(value: Option<&str>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| utf8_percent_encode(value, QUOTED).to_string())
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn time(wall_ms: u64) -> String {
    let format = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    let seconds = i64::try_from(wall_ms / 1_000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(format).unwrap_or_default()
}
