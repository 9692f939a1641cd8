use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message as _;
use terrace_runtime::{SystemClock, SystemIds};
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::auth::{Credential, Secret};
use crate::telemetry::requests::{Operation, Requests};

const LONG: Duration = Duration::from_secs(60);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What a collector was sent: headers, and the message as the official definitions read it.
type Sent = (HeaderMap, ExportTraceServiceRequest);

/// Answers the first requests with these statuses, later ones with the last of them and `body`.
async fn collector(statuses: &'static [u16], body: &'static [u8]) -> (String, UnboundedReceiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (tell, sent) = mpsc::unbounded_channel();
    let served = Arc::new(AtomicUsize::new(0));
    let answer = move |request: Request<Incoming>| {
        let (tell, served) = (tell.clone(), Arc::clone(&served));
        async move {
            assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
            let (head, content) = request.into_parts();
            let message =
                ExportTraceServiceRequest::decode(content.collect().await.unwrap().to_bytes()).unwrap();
            tell.send((head.headers, message)).unwrap();
            let turn = served.fetch_add(1, Ordering::Relaxed).min(statuses.len() - 1);
            let answer = Response::builder().status(statuses[turn]).body(Full::new(Bytes::from_static(body)));
            Ok::<_, Infallible>(answer.unwrap())
        }
    };
    // Ends with the runtime of the test.
    Tasks::new().worker("collector", move |_, _| async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new();
            let _ended = connection.serve_connection(TokioIo::new(stream), service_fn(answer.clone())).await;
        }
    });
    (endpoint, sent)
}

struct Gateway {
    requests: Requests,
    registry: Registry,
    tasks: Tasks,
}

fn gateway(endpoint: &str, sample: f64) -> Gateway {
    let settings = TracesSettings {
        endpoint: Some(endpoint.to_owned()),
        sample: Ratio::new(sample).unwrap(),
        headers: Some(crate::config::Secret::new("x-scope=tenant")),
        ..TracesSettings::default()
    };
    let (registry, tasks) = (Registry::new(), Tasks::new());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ids: Arc<dyn Ids> = Arc::new(SystemIds);
    let traces = Traces::start(&settings, (&clock, &ids), &tasks, &registry).unwrap();
    assert!(traces.is_some());
    let requests = Requests::register(&registry, 0, None, traces).unwrap();
    Gateway { requests, registry, tasks }
}

impl Gateway {
    fn counted(&self, line: &str) -> bool {
        let text = prometheus::TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        text.contains(line)
    }

    fn request(&self, request: &Request<()>, operation: Option<&str>, answered: &Answered<'_>) {
        let observation = self.requests.begin(request);
        if let Some(operation) = operation {
            observation.record().routed(Routed {
                operation: Operation::named(operation),
                bucket: Some("photos".to_owned()),
                key: Some("key".to_owned()),
                requester: Credential::new("AKID", Secret::new("not a secret")).identity().clone(),
            });
            observation.record().received(700);
        }
        self.requests.finish(observation, answered);
    }

    async fn stop(&self) {
        self.tasks.stop_workers(LONG).await.unwrap();
    }
}

fn answered(status: StatusCode) -> Answered<'static> {
    Answered {
        wall_ms: 1_549_411_238_000,
        took: LONG,
        turned: Duration::from_secs(50),
        peer: ([192, 0, 2, 3], 4).into(),
        ids: ("3E57427F33A59F07", "hostid"),
        status,
        code: None,
        sent: 9,
        object: None,
        broke_off: false,
        tls: None,
    }
}

fn asked(method: &str, traceparent: Option<&str>) -> Request<()> {
    let mut request = Request::builder()
        .method(method)
        .uri("/photos/a%20b?X-Amz-Signature=sesame&X-Amz-Security-Token=sesame")
        .header("host", "s3.example:9000")
        .header("user-agent", "aws-cli/2")
        .header("authorization", "AWS4-HMAC-SHA256 sesame");
    if let Some(parent) = traceparent {
        request = request.header("traceparent", parent).header("tracestate", "vendor=1");
    }
    request.body(()).unwrap()
}

fn spans(sent: ExportTraceServiceRequest) -> Vec<Span> {
    sent.resource_spans.into_iter().flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect()
}

fn attributes(all: &[KeyValue]) -> BTreeMap<&str, String> {
    let shown = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    all.iter().map(|pair| (pair.key.as_str(), shown(pair))).collect()
}

#[tokio::test]
async fn a_request_is_a_span_of_its_callers_trace_and_shows_nothing_of_its_query() {
    let (endpoint, mut sent) = collector(&[200], b"").await;
    let gateway = gateway(&endpoint, 0.0);
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    gateway.request(&asked("PUT", Some(&parent)), Some("PutObject"), &answered(StatusCode::OK));
    gateway.stop().await;
    let (headers, message) = sent.recv().await.unwrap();
    assert_eq!(
        (&headers["content-type"], &headers["x-scope"]),
        (&"application/x-protobuf".parse().unwrap(), &"tenant".parse().unwrap())
    );
    assert!(!format!("{message:?}").contains("sesame"), "{message:?}");
    let resource = message.resource_spans[0].resource.clone().unwrap();
    assert_eq!(attributes(&resource.attributes)["service.name"], "terrace");
    assert_eq!(attributes(&resource.attributes)["service.version"], env!("CARGO_PKG_VERSION"));

    let spans = spans(message);
    let [store, server] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((server.name.as_str(), server.kind()), ("PutObject", SpanKind::Server));
    assert_eq!(hex::encode(&server.trace_id), TRACE);
    assert_eq!(hex::encode(&server.parent_span_id), "00f067aa0ba902b7");
    assert_eq!((server.trace_state.as_str(), server.flags, &server.status), ("vendor=1", 0x301, &None));
    assert_eq!(server.end_time_unix_nano, 1_549_411_238_000_000_000);
    assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 60_000_000_000);
    assert_eq!(server.events[0].name, "request body received");
    let expected = [
        ("aws.request_id", "3E57427F33A59F07"),
        ("aws.s3.bucket", "photos"),
        ("client.address", "192.0.2.3"),
        ("http.request.body.size", "700"),
        ("http.request.method", "PUT"),
        ("http.response.body.size", "9"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "s3.example"),
        ("server.port", "9000"),
        ("url.path", "/photos/a%20b"),
        ("url.scheme", "http"),
        ("user_agent.original", "aws-cli/2"),
    ];
    assert_eq!(attributes(&server.attributes), expected.map(|(key, value)| (key, value.to_owned())).into());
    assert_eq!((store.name.as_str(), store.kind()), ("store", SpanKind::Internal));
    assert_eq!((&store.trace_id, &store.parent_span_id), (&server.trace_id, &server.span_id));
    assert!(store.start_time_unix_nano > server.start_time_unix_nano && store.span_id != server.span_id);
    assert_eq!(store.end_time_unix_nano - server.start_time_unix_nano, 50_000_000_000);
    assert!(gateway.counted("traces_spans_sent_total 2"));
}

#[tokio::test]
async fn what_this_side_failed_at_is_an_error_and_a_refusal_of_a_client_is_none() {
    let (endpoint, mut sent) = collector(&[200], b"").await;
    let gateway = gateway(&endpoint, 1.0);
    let seen = [
        ("GET", Answered { code: Some("AccessDenied"), ..answered(StatusCode::FORBIDDEN) }),
        ("PUT", Answered { code: Some("SlowDown"), ..answered(StatusCode::SERVICE_UNAVAILABLE) }),
        ("HEAD", answered(StatusCode::INTERNAL_SERVER_ERROR)),
        ("GET", Answered { broke_off: true, ..answered(StatusCode::OK) }),
        ("PUT", Answered { turned: Duration::ZERO, ..answered(StatusCode::OK) }),
        ("BREW", answered(StatusCode::OK)),
    ];
    for (method, answered) in &seen {
        gateway.request(&asked(method, Some("00-nonsense")), None, answered);
    }
    gateway.stop().await;
    let spans = spans(sent.recv().await.unwrap().1);
    let shown: Vec<_> = spans
        .iter()
        .map(|span| {
            assert!(span.parent_span_id.is_empty() && span.trace_id != [0; 16]);
            let attributes = attributes(&span.attributes);
            let failed = span.status.clone().is_some_and(|status| status.code() == SpanStatus::Error);
            let of = |key| attributes.get(key).cloned().unwrap_or_default();
            (
                span.name.as_str(),
                failed,
                of("error.type"),
                of("http.response.status_code"),
                of("http.request.method"),
            )
        })
        .collect();
    let expected = [
        ("GET", false, "", "403", "GET"),
        ("PUT", true, "SlowDown", "503", "PUT"),
        ("HEAD", true, "500", "500", "HEAD"),
        ("GET", true, "broken_answer", "200", "GET"),
        ("PUT", false, "cancelled", "", "PUT"),
        ("HTTP", false, "", "200", "_OTHER"),
    ];
    let expected = expected.map(|(name, failed, error, status, method)| {
        (name, failed, error.to_owned(), status.to_owned(), method.to_owned())
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_request_that_is_not_sampled_has_a_trace_for_the_log_and_sends_nothing() {
    let (endpoint, mut sent) = collector(&[200], b"").await;
    let gateway = gateway(&endpoint, 0.0);
    let observation = gateway.requests.begin(&asked("GET", None));
    assert_eq!(observation.trace().unwrap().to_string().len(), 32);
    gateway.requests.finish(observation, &answered(StatusCode::OK));
    let unsampled = format!("00-{TRACE}-00f067aa0ba902b7-00");
    gateway.request(&asked("GET", Some(&unsampled)), Some("GetObject"), &answered(StatusCode::OK));
    gateway.stop().await;
    assert!(sent.try_recv().is_err());
    assert!(gateway.counted("traces_spans_sent_total 0"));
}

#[tokio::test]
async fn a_collector_that_is_busy_gets_the_same_spans_again() {
    let (endpoint, mut sent) = collector(&[503, 429, 200], b"").await;
    let gateway = gateway(&endpoint, 1.0);
    gateway.request(&asked("GET", None), None, &answered(StatusCode::OK));
    let (first, second, third) =
        (sent.recv().await.unwrap(), sent.recv().await.unwrap(), sent.recv().await.unwrap());
    assert_eq!((&first.1, &second.1), (&second.1, &third.1));
    gateway.stop().await;
    assert!(sent.try_recv().is_err());
    assert!(gateway.counted("traces_spans_sent_total 1"));
}

#[tokio::test]
async fn spans_that_the_collector_refuses_are_counted_and_not_sent_again() {
    let (endpoint, mut sent) = collector(&[400], b"").await;
    let whole = gateway(&endpoint, 1.0);
    whole.request(&asked("GET", None), None, &answered(StatusCode::OK));
    whole.stop().await;
    assert!(sent.recv().await.is_some() && sent.try_recv().is_err());
    assert!(whole.counted("traces_spans_dropped_total{reason=\"refused\"} 1"));

    // What is no message, in an answer longer than is read.
    let (endpoint, mut sent) = collector(&[200], &[0xFF; 70_000]).await;
    let taken = gateway(&endpoint, 1.0);
    taken.request(&asked("GET", None), None, &answered(StatusCode::OK));
    taken.stop().await;
    assert!(sent.recv().await.is_some() && sent.try_recv().is_err());
    assert!(taken.counted("traces_spans_sent_total 1"));

    // ExportTraceServiceResponse { partial_success { rejected_spans: 1, error_message: "no" } }
    let (endpoint, mut sent) = collector(&[200], b"\x0a\x06\x08\x01\x12\x02no").await;
    let partial = gateway(&endpoint, 1.0);
    partial.request(&asked("GET", None), Some("GetObject"), &answered(StatusCode::OK));
    partial.stop().await;
    assert_eq!(spans(sent.recv().await.unwrap().1).len(), 2);
    assert!(partial.counted("traces_spans_dropped_total{reason=\"refused\"} 1"));
    assert!(partial.counted("traces_spans_sent_total 1"));
}

#[tokio::test]
async fn every_span_that_waits_at_the_stop_is_sent() {
    let (endpoint, mut sent) = collector(&[200], b"").await;
    let gateway = gateway(&endpoint, 1.0);
    // On this runtime of one thread the worker does not run before the stop.
    for _ in 0..1_500 {
        gateway.request(&asked("GET", None), Some("GetObject"), &answered(StatusCode::OK));
    }
    gateway.stop().await;
    let mut ids = std::collections::HashSet::new();
    while let Ok((_, message)) = sent.try_recv() {
        ids.extend(spans(message).into_iter().map(|span| span.span_id));
    }
    assert_eq!(ids.len(), 3_000);
    assert!(gateway.counted("traces_spans_sent_total 3000"));
}

#[tokio::test]
async fn without_a_collector_the_queue_is_bounded_and_what_is_lost_is_counted() {
    // Bound, and does not listen: connections are refused, and nobody else gets the port.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    let gateway = gateway(&endpoint, 1.0);
    for _ in 0..WAITING + 10 {
        gateway.request(&asked("GET", None), None, &answered(StatusCode::OK));
    }
    assert!(gateway.counted("traces_spans_dropped_total{reason=\"queue_full\"} 10"));
    gateway.stop().await;
    assert!(gateway.counted(&format!("traces_spans_dropped_total{{reason=\"stopped\"}} {WAITING}")));
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_never_answers_does_not_hold_up_a_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = gateway(&format!("http://{}", silent.local_addr().unwrap()), 1.0);
    gateway.request(&asked("GET", None), None, &answered(StatusCode::OK));
    // The budget of `run` for all workers.
    gateway.tasks.stop_workers(Duration::from_secs(10)).await.unwrap();
    assert!(gateway.counted("traces_spans_dropped_total{reason=\"stopped\"} 1"));
}
