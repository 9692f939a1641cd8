//! What a collector of traces beside the binary is sent, and what the log says of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use rustix::process::Signal;
use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request as Asked, Signer};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{DEADLINE, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Takes spans; ends when it is dropped.
struct Collector {
    endpoint: String,
    sent: UnboundedReceiver<ExportTraceServiceRequest>,
    _connections: JoinSet<()>,
}

impl Collector {
    /// One that is busy at first.
    async fn start(busy: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (tell, sent) = mpsc::unbounded_channel();
        let served = Arc::new(AtomicUsize::new(0));
        let answer = move |request: Request<Incoming>| {
            let (tell, served) = (tell.clone(), Arc::clone(&served));
            async move {
                let content = request.into_body().collect().await.unwrap().to_bytes();
                tell.send(ExportTraceServiceRequest::decode(content).unwrap()).unwrap();
                let status = if served.fetch_add(1, Ordering::Relaxed) < busy { 503 } else { 200 };
                let answer = Response::builder().status(status).body(Full::new(Bytes::new()));
                Ok::<_, Infallible>(answer.unwrap())
            }
        };
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new();
                let _ended =
                    connection.serve_connection(TokioIo::new(stream), service_fn(answer.clone())).await;
            }
        });
        Self { endpoint, sent, _connections: connections }
    }

    /// The next spans, by name.
    async fn spans(&mut self) -> BTreeMap<String, Span> {
        let message = timeout(DEADLINE, self.sent.recv()).await.expect("spans within the deadline").unwrap();
        let scopes = message.resource_spans.into_iter().flat_map(|of| of.scope_spans);
        scopes.flat_map(|of| of.spans).map(|span| (span.name.clone(), span)).collect()
    }
}

fn start(variables: &[(&str, &str)]) -> Server {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_LOG__ACCESS", "info").envs(variables.iter().copied());
    home.start_by(command)
}

async fn ask(server: &Server, secret: &str, request: Asked, body: &[u8]) -> Answer {
    let head = Signer::new(server.address(), ACCESS_KEY, secret).head(&request.body(body));
    let mut connection = Connection::open(server.address()).await.unwrap();
    connection.send_request(&head, body).await.unwrap();
    connection.receive(false, |_| {}).await.unwrap()
}

fn number(span: &Span, key: &str) -> Option<i64> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::IntValue(number) => Some(number),
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_sends_the_spans_of_the_last_requests_and_the_log_names_their_trace() {
    for format in ["json", "text"] {
        let mut collector = Collector::start(0).await;
        let mut server = start(&[
            ("TERRACE_TRACES__ENDPOINT", &collector.endpoint),
            ("TERRACE_LOG__FORMAT", format),
            ("TERRACE_LOG__LEVEL", "info,terrace=debug"),
        ]);
        let traced = Asked::new("PUT", "/photos").header("traceparent", PARENT).header("tracestate", "v=1");
        let answer = ask(&server, SECRET_KEY, traced, b"").await;
        assert_eq!(answer.status, 200);
        let id = answer.header("x-amz-request-id").unwrap().to_owned();
        let large = vec![7_u8; 2 << 20];
        assert_eq!(ask(&server, SECRET_KEY, Asked::new("PUT", "/photos/large"), &large).await.status, 200);
        let own = Asked::new("PUT", "/photos/a b").header("traceparent", "00-nonsense-01");
        assert_eq!(ask(&server, SECRET_KEY, own, b"hello").await.status, 200);
        let forged = Asked::new("GET", "/photos/a b").query("versionId=sesame").header("traceparent", PARENT);
        let answer = ask(&server, "another secret key", forged, b"").await;
        let (status, refused_id) = (answer.status, answer.header("x-amz-request-id").unwrap().to_owned());
        assert_eq!(status, 403);
        // The line of the access log, and one from inside the request.
        for (request, said) in [(&id, "/photos"), (&refused_id, "request refused")] {
            let named = |line: &&str| line.contains(request.as_str()) && line.contains(said);
            until(|| server.log().lines().any(|line| named(&line))).await;
            let log = server.log();
            let line = log.lines().find(named).unwrap();
            assert!(line.contains("trace_id") && line.contains(TRACE), "{line}");
        }
        server.signal(Signal::TERM);
        let (mut spans, mut shown) = (BTreeMap::new(), String::new());
        while !["CreateBucket", "PutObject", "GET"].iter().all(|name| spans.contains_key(*name)) {
            let more = collector.spans().await;
            shown.push_str(&format!("{more:?}"));
            spans.extend(more);
        }
        let create = &spans["CreateBucket"];
        assert_eq!(hex::encode(&create.trace_id), TRACE);
        assert_eq!(hex::encode(&create.parent_span_id), "00f067aa0ba902b7");
        assert_eq!(create.trace_state, "v=1");
        let put = &spans["PutObject"];
        assert!(put.parent_span_id.is_empty() && hex::encode(&put.trace_id) != TRACE);
        assert_eq!(number(put, "http.request.body.size"), Some(5));
        let refused = &spans["GET"];
        assert_eq!((number(refused, "http.response.status_code"), &refused.status), (Some(403), &None));
        assert_eq!(spans["store"].parent_span_id, put.span_id, "of two of a name the later one is kept");
        let commit = &spans["high_volume.commit"];
        assert_eq!(commit.parent_span_id, spans["store"].span_id, "below the store, of the same request");
        assert_eq!((&commit.trace_id, &commit.status), (&put.trace_id, &None));
        let blob = &spans["long_term.put"];
        let backend = blob.attributes.iter().find(|attribute| attribute.key == "terrace.backend");
        assert!(backend.is_some() && blob.trace_id != put.trace_id, "{blob:?}");
        for secret in ["sesame", "versionId", "Signature", SECRET_KEY] {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
        server.stopped().assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_told_of_once_and_gets_its_spans_when_it_is_back() {
    let mut collector = Collector::start(2).await;
    let server = start(&[("TERRACE_TRACES__ENDPOINT", &collector.endpoint)]);
    assert_eq!(ask(&server, SECRET_KEY, Asked::new("PUT", "/photos"), b"").await.status, 200);
    for _ in 0..3 {
        assert!(collector.spans().await.contains_key("CreateBucket"));
    }
    until(|| server.log().contains("the collector takes spans again")).await;
    let log = server.log();
    assert_eq!(log.matches("spans wait").count(), 1, "{log}");
    server.stop_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_setting_there_are_no_traces_not_even_in_the_log() {
    let mut collector = Collector::start(0).await;
    let server = start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)]);
    let traced = Asked::new("PUT", "/photos").header("traceparent", PARENT);
    assert_eq!(ask(&server, SECRET_KEY, traced, b"").await.status, 200);
    until(|| server.log().contains("/photos")).await;
    assert!(!server.log().contains("trace"), "{}", server.log());
    server.stop_clean();
    assert!(collector.sent.try_recv().is_err());

    let server = start(&[("TERRACE_TRACES__ENDPOINT", &collector.endpoint), ("TERRACE_TRACES__SAMPLE", "0")]);
    assert_eq!(ask(&server, SECRET_KEY, Asked::new("PUT", "/photos"), b"").await.status, 200);
    server.stop_clean();
    assert!(collector.sent.try_recv().is_err());
}
