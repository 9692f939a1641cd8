//! The spans of one request, by the OpenTelemetry semantic conventions 1.37 ("HTTP server", "AWS SDK" for S3).

use std::net::IpAddr;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::uri::Authority;
use http::{Method, Request, StatusCode, Version};
use terrace_runtime::Ids;
use terrace_runtime::steps::Step;

use super::context::Context;
use super::moments::Moments;
use super::wire::{Attribute, ERROR, Event, Kind, Span, Status};
use super::{cut, header};
use crate::telemetry::requests::{Answered, Operation, Routed};

/// Longest path, and longest other value that a client chooses, in bytes.
const PATH_MAX: usize = 1_024;
const VALUE_MAX: usize = 256;
/// Flags of a span: sampled (W3C), it is known whether the parent is remote, it is.
const SAMPLED: u32 = 0x01;
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// What is kept of a sampled request until its spans are encoded.
pub(super) struct RequestSpan {
    context: Context,
    id: [u8; 8],
    child: [u8; 8],
    method: Method,
    path: String,
    host: Option<String>,
    agent: Option<String>,
    version: Version,
    end: Option<End>,
}

struct End {
    /// Nanoseconds since the epoch.
    began: u64,
    /// From the beginning, nanoseconds.
    took: u64,
    /// To the head of the answer, if there was one.
    turned: Option<u64>,
    admitted: Option<u64>,
    received: Option<u64>,
    steps: Vec<(u64, Step)>,
    operation: Operation,
    bucket: Option<String>,
    client: IpAddr,
    request_id: String,
    status: StatusCode,
    code: Option<String>,
    broke_off: bool,
    secure: bool,
    bytes: (u64, u64),
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl RequestSpan {
    pub(super) fn begin<B>(context: Context, request: &Request<B>, ids: &dyn Ids) -> Self {
        // Zero is no span.
        let id = || ids.random().max(1).to_be_bytes();
        Self {
            context,
            id: id(),
            child: id(),
            method: request.method().clone(),
            path: cut(request.uri().path(), PATH_MAX),
            host: header(request.headers(), HOST, VALUE_MAX),
            agent: header(request.headers(), USER_AGENT, VALUE_MAX),
            version: request.version(),
            end: None,
        }
    }

    pub(super) fn end(
        &mut self,
        (moments, received): (&Moments, u64),
        routed: Option<Routed>,
        answered: &Answered<'_>,
    ) {
        let took = nanos(answered.took);
        let (operation, bucket) =
            routed.map_or((Operation::NONE, None), |routed| (routed.operation, routed.bucket));
        self.end = Some(End {
            // The wall clock counts milliseconds: every span of a request begins at the same error, below one of them.
            began: (answered.wall_ms * 1_000_000).saturating_sub(took),
            took,
            turned: Some(nanos(answered.turned)).filter(|turned| *turned > 0),
            admitted: moments.admitted(),
            received: moments.received(),
            steps: moments.steps(),
            operation,
            bucket,
            client: answered.peer.ip().to_canonical(),
            request_id: answered.ids.0.to_owned(),
            status: answered.status,
            code: answered.code.map(|code| cut(code, VALUE_MAX)),
            broke_off: answered.broke_off,
            secure: answered.tls.is_some(),
            bytes: (received, answered.sent),
        });
    }

    /// How many spans it is.
    pub(super) fn count(&self) -> u64 {
        let below = |end: &End| if end.admitted.is_some() { 1 + end.steps.len() as u64 } else { 0 };
        1 + self.end.as_ref().map_or(0, below)
    }

    /// The span of the server, and the one of the store with what the tiers did, if the request came so far.
    pub(super) fn encode(self, into: &mut Vec<Span>) {
        let Some(end) = &self.end else { return };
        let server = self.server(end);
        if let Some(admitted) = end.admitted {
            into.push(self.store(end, admitted));
            into.extend(
                (1..).zip(&end.steps).map(|(number, (at, step))| self.step(end, number, (*at, step))),
            );
        }
        into.push(server);
    }

    fn server(&self, end: &End) -> Span {
        let remote = if self.context.parent.is_some() { IS_REMOTE } else { 0 };
        let received = end
            .received
            .map(|at| Event { time_unix_nano: end.began + at, name: "request body received".to_owned() });
        let failed = end.broke_off || (end.turned.is_some() && end.status.is_server_error());
        Span {
            trace_id: self.context.trace.0.to_vec(),
            span_id: self.id.to_vec(),
            trace_state: self.context.state.clone(),
            parent_span_id: self.context.parent.map_or_else(Vec::new, |parent| parent.to_vec()),
            name: end.operation.served().unwrap_or_else(|| method(&self.method).0).to_owned(),
            kind: Kind::Server.into(),
            start_time_unix_nano: end.began,
            end_time_unix_nano: end.began + end.took,
            attributes: self.attributes(end),
            events: received.into_iter().collect(),
            status: failed.then_some(Status { code: ERROR }),
            flags: SAMPLED | HAS_IS_REMOTE | remote,
        }
    }

    /// From the moment the request was admitted to the head of its answer.
    fn store(&self, end: &End, admitted: u64) -> Span {
        Span {
            trace_id: self.context.trace.0.to_vec(),
            span_id: self.child.to_vec(),
            trace_state: self.context.state.clone(),
            parent_span_id: self.id.to_vec(),
            name: "store".to_owned(),
            kind: Kind::Internal.into(),
            start_time_unix_nano: end.began + admitted.min(end.took),
            end_time_unix_nano: end.began + end.turned.unwrap_or(end.took).max(admitted).min(end.took),
            flags: SAMPLED | HAS_IS_REMOTE,
            ..Span::default()
        }
    }

    /// What a tier did, below the span of the store. It may be over after it, where a commit outlives its request.
    fn step(&self, end: &End, number: u64, (at, step): (u64, &Step)) -> Span {
        let began = end.began + at;
        let failed = step.failed.then(|| Attribute::text("error.type", "_OTHER"));
        let attributes =
            [Attribute::text("terrace.tier", step.tier), Attribute::text("terrace.backend", step.backend)];
        Span {
            trace_id: self.context.trace.0.to_vec(),
            span_id: u64::from_be_bytes(self.child).wrapping_add(number).max(1).to_be_bytes().to_vec(),
            trace_state: self.context.state.clone(),
            parent_span_id: self.child.to_vec(),
            name: format!("{}.{}", step.tier, step.operation),
            kind: Kind::Internal.into(),
            start_time_unix_nano: began,
            end_time_unix_nano: began + nanos(step.took),
            attributes: attributes.into_iter().chain(failed).collect(),
            status: step.failed.then_some(Status { code: ERROR }),
            flags: SAMPLED | HAS_IS_REMOTE,
            ..Span::default()
        }
    }

    fn attributes(&self, end: &End) -> Vec<Attribute> {
        let (name, original) = method(&self.method);
        let name = if original.is_some() { "_OTHER" } else { name };
        let mut all = vec![
            Attribute::text("http.request.method", name),
            Attribute::text("url.path", &*self.path),
            Attribute::text("url.scheme", if end.secure { "https" } else { "http" }),
            Attribute::text(
                "network.protocol.version",
                if self.version == Version::HTTP_2 { "2" } else { "1.1" },
            ),
            Attribute::text("client.address", end.client.to_string()),
            Attribute::text("aws.request_id", &*end.request_id),
            Attribute::number("http.request.body.size", end.bytes.0),
            Attribute::number("http.response.body.size", end.bytes.1),
        ];
        let texts = [
            ("http.request.method_original", original),
            ("user_agent.original", self.agent.as_deref()),
            ("aws.s3.bucket", end.bucket.as_deref()),
            ("error.type", end.error()),
        ];
        all.extend(texts.into_iter().filter_map(|(key, value)| Some(Attribute::text(key, value?))));
        let host = self.host.as_deref().filter(|host| !host.contains('@'));
        if let Some(host) = host.and_then(|host| host.parse::<Authority>().ok()) {
            all.push(Attribute::text("server.address", host.host()));
            all.extend(host.port_u16().map(|port| Attribute::number("server.port", port)));
        }
        if end.turned.is_some() {
            all.push(Attribute::number("http.response.status_code", end.status.as_u16()));
        }
        all
    }
}

impl End {
    /// What went wrong on this side: the S3 code, or what kept the answer from leaving whole.
    fn error(&self) -> Option<&str> {
        match self.turned {
            None => Some("cancelled"),
            Some(_) if self.broke_off => Some("broken_answer"),
            Some(_) if self.status.is_server_error() => {
                Some(self.code.as_deref().unwrap_or(self.status.as_str()))
            }
            Some(_) => None,
        }
    }
}

/// The name of a method for a span, and the method itself if it is none that HTTP knows: clients make up any.
fn method(method: &Method) -> (&str, Option<&str>) {
    let known = [
        Method::GET,
        Method::PUT,
        Method::HEAD,
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
        Method::PATCH,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) {
        return (method.as_str(), None);
    }
    let text = method.as_str();
    ("HTTP", Some(text.get(..VALUE_MAX).unwrap_or(text)))
}
