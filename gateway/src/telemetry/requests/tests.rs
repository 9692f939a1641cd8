use std::net::SocketAddr;

use http::HeaderValue;
use terrace_runtime::Tasks;

use super::*;
use crate::auth::{Credential, Secret};

fn requests(bucket_labels: usize, log: Option<AccessLogFile>) -> (Requests, Registry) {
    let registry = Registry::new();
    (Requests::register(&registry, bucket_labels, log, None).unwrap(), registry)
}

fn metrics(registry: &Registry) -> String {
    prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

fn routed(operation: &str, bucket: &str, key: Option<&str>) -> Routed {
    Routed {
        operation: Operation::named(operation),
        bucket: Some(bucket.to_owned()),
        key: key.map(str::to_owned),
        requester: Credential::new("AKID", Secret::new("not a secret")).identity().clone(),
    }
}

fn answered(status: StatusCode) -> Answered<'static> {
    Answered {
        wall_ms: 1_549_411_238_000,
        took: Duration::from_millis(70),
        turned: Duration::from_millis(10),
        peer: SocketAddr::from(([192, 0, 2, 3], 4)),
        ids: ("3E57427F33A59F07", "hostid"),
        status,
        code: None,
        sent: 0,
        object: None,
        broke_off: false,
        tls: None,
    }
}

#[test]
fn requests_are_counted_by_operation_and_class_with_their_bytes() {
    let (requests, registry) = requests(0, None);
    let request = Request::put("/b/k").body(()).unwrap();
    let observation = requests.begin(&request);
    observation.record().received(700);
    observation.record().received(324);
    observation.record().routed(routed("PutObject", "b", Some("k")));
    requests.finish(observation, &answered(StatusCode::OK));
    requests.finish(requests.begin(&request), &Answered { sent: 9, ..answered(StatusCode::FORBIDDEN) });
    let unknown = requests.begin(&request);
    unknown.record().routed(routed("MadeUp", "b", None));
    requests.finish(unknown, &answered(StatusCode::NOT_IMPLEMENTED));
    let text = metrics(&registry);
    for line in [
        "s3_request_duration_seconds_count{class=\"2xx\",operation=\"PutObject\"} 1",
        "s3_request_duration_seconds_sum{class=\"2xx\",operation=\"PutObject\"} 0.07",
        "s3_request_duration_seconds_count{class=\"4xx\",operation=\"none\"} 1",
        "s3_request_duration_seconds_count{class=\"5xx\",operation=\"other\"} 1",
        "s3_request_bytes_total{operation=\"PutObject\"} 1024",
        "s3_response_bytes_total{operation=\"none\"} 9",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("s3_bucket_requests_total{"), "no metric by bucket unless asked for");
}

#[test]
fn as_many_buckets_as_asked_have_a_label_and_only_those_that_are_there() {
    let (requests, registry) = requests(2, None);
    let ask = |bucket: &str, status| {
        let observation = requests.begin(&Request::get("/").body(()).unwrap());
        observation.record().routed(routed("GetObject", bucket, Some("k")));
        requests.finish(observation, &answered(status));
    };
    ask("made-up", StatusCode::NOT_FOUND);
    for bucket in ["a", "b", "c", "d", "a"] {
        ask(bucket, StatusCode::OK);
    }
    ask("a", StatusCode::NOT_FOUND);
    let text = metrics(&registry);
    for line in [
        "{bucket=\"a\",class=\"2xx\"} 2",
        "{bucket=\"a\",class=\"4xx\"} 1",
        "{bucket=\"b\",class=\"2xx\"} 1",
        "{bucket=\"other\",class=\"2xx\"} 2",
        "{bucket=\"other\",class=\"4xx\"} 1",
    ] {
        assert!(text.contains(&format!("s3_bucket_requests_total{line}")), "{line} is not in\n{text}");
    }
    assert!(!text.contains("made-up") && !text.contains("\"c\""));
}

#[test]
fn a_line_has_the_fields_of_s3_server_access_logs() {
    let mut request = Request::get("/b/a%20b?versionId=null").body(()).unwrap();
    for (name, value) in [
        ("host", "s3.example:9000"),
        ("user-agent", "S3 \"Console\"/0.4"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=AKID/…"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let routed = routed("GetObject", "b", Some("a b"));
    let answer = Answered {
        sent: 113,
        object: Some(2_000),
        tls: Some(("TLSv1_3", "TLS13_AES_128_GCM_SHA256")),
        ..answered(StatusCode::PARTIAL_CONTENT)
    };
    assert_eq!(
        Head::of(&request).line(Some(&routed), &answer),
        "terrace b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 AKID 3E57427F33A59F07 REST.GET.OBJECT a%20b \"GET /b/a%20b?versionId=null HTTP/1.1\" 206 - 113 \
         2000 70 10 \"-\" \"S3 %22Console%22/0.4\" - hostid SigV4 TLS13_AES_128_GCM_SHA256 AuthHeader s3.example:9000 TLSv1_3 - -\n"
    );
}

#[test]
fn a_line_has_nothing_that_lets_its_reader_ask_the_same() {
    let target =
        "/b/k?X-Amz-Credential=AKID&X-Amz-Security-Token=token1&X-Amz-Signature=sig1&Signature=sig2&x=1";
    let request = Request::get(target).body(()).unwrap();
    let answer = Answered { code: Some("AccessDenied"), ..answered(StatusCode::FORBIDDEN) };
    let line = Head::of(&request).line(None, &answer);
    assert!(!["token1", "sig1", "sig2"].iter().any(|secret| line.contains(secret)), "{line}");
    assert!(
        line.contains("REST.GET.BUCKET - \"GET /b/k?X-Amz-Credential=AKID&X-Amz-Security-Token=REDACTED"),
        "{line}"
    );
    assert!(
        line.contains(" 403 AccessDenied - - 70 10 ") && line.contains(" SigV4 - QueryString "),
        "{line}"
    );
}

#[test]
fn a_line_stays_one_line_whatever_a_client_sends() {
    let mut request = Request::get("/").body(()).unwrap();
    request.headers_mut().insert("referer", HeaderValue::from_bytes(&[b'a', b'\t', 0xff, b'"']).unwrap());
    let line =
        Head::of(&request).line(Some(&routed("GetObject", "b", Some("k\n\"x"))), &answered(StatusCode::OK));
    assert_eq!(line.matches('\n').count(), 1);
    assert!(line.contains(" k%0A%22x ") && line.contains("\"a%09%EF%BF%BD%22\""), "{line}");
}

#[tokio::test]
async fn every_line_is_in_the_file_after_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(&path, "kept\n").unwrap();
    let (tasks, registry) = (Tasks::new(), Registry::new());
    let log = AccessLogFile::start(&path, &tasks, &registry).unwrap();
    let (requests, _) = requests(0, Some(log));
    for _ in 0..1_000 {
        let observation = requests.begin(&Request::get("/b").body(()).unwrap());
        requests.finish(observation, &answered(StatusCode::OK));
    }
    tasks.stop_workers(Duration::from_secs(60)).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("kept\n") && text.lines().count() == 1_001, "{} lines", text.lines().count());
    assert!(metrics(&registry).contains("access_log_lines_dropped_total 0"));
    assert!(AccessLogFile::start(folder.path(), &tasks, &registry).is_err(), "a folder is no file");
}
