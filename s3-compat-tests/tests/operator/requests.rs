//! What is told of each request.

use std::path::Path;

use rustix::process::Signal;
use s3_compat_tests::http1::Connection;
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};

use super::until;

async fn send(server: &Server, signer: &Signer, request: &Request, body: &[u8]) -> u16 {
    let mut connection = Connection::open(server.address()).await.unwrap();
    connection.send_request(&signer.head(request), body).await.unwrap();
    connection.receive(request.method == "HEAD", |_| {}).await.unwrap().status
}

async fn metrics(server: &Server) -> String {
    let address = server.admin().trim_start_matches("http://");
    let mut connection = Connection::open(address).await.unwrap();
    connection.send(format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    connection.receive_text().await.unwrap().1
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn requests_are_in_the_access_log_and_in_the_metrics() {
    let home = Home::new();
    let log = home.scratch().join("access.log");
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_LOG__ACCESS_FILE", &log).env("TERRACE_METRICS__BUCKET_LABELS", "1");
    let mut server = home.start_by(command);
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let stranger = Signer::new(server.address(), ACCESS_KEY, "another secret");

    let put = |path: &str, body: &[u8]| Request::new("PUT", path).body(body);
    assert_eq!(send(&server, &signer, &put("/first", b""), b"").await, 200);
    assert_eq!(send(&server, &signer, &put("/second", b""), b"").await, 200);
    assert_eq!(send(&server, &signer, &put("/first/a b", b"12345"), b"12345").await, 200);
    let range = Request::new("GET", "/first/a b").header("range", "bytes=1-2");
    assert_eq!(send(&server, &signer, &range, b"").await, 206);
    assert_eq!(send(&server, &signer, &Request::new("GET", "/first/none"), b"").await, 404);
    assert_eq!(send(&server, &stranger, &Request::new("GET", "/first/a b"), b"").await, 403);

    until(|| lines(&log).len() == 6).await;
    let wanted = [
        ("first", "REST.PUT.BUCKET", "-", "200 - - -"),
        ("second", "REST.PUT.BUCKET", "-", "200 - - -"),
        ("first", "REST.PUT.OBJECT", "a%20b", "200 - - 5"),
        ("first", "REST.GET.OBJECT", "a%20b", "206 - 2 5"),
        ("first", "REST.GET.OBJECT", "none", "404 NoSuchKey"),
        ("-", "REST.GET.BUCKET", "-", "403 SignatureDoesNotMatch"),
    ];
    for (line, (bucket, operation, key, outcome)) in lines(&log).iter().zip(wanted) {
        assert!(line.starts_with(&format!("terrace {bucket} [")), "{line}");
        assert!(line.contains(&format!(" {operation} {key} \"")), "{line}");
        assert!(line.contains(&format!("HTTP/1.1\" {outcome} ")), "{line}");
    }

    // Moved away and opened anew: no line is lost and none goes to the old file.
    let old = log.with_extension("old");
    std::fs::rename(&log, &old).unwrap();
    server.signal(Signal::HUP);
    until(|| log.exists()).await;
    assert_eq!(send(&server, &signer, &Request::new("HEAD", "/first/a b"), b"").await, 200);
    until(|| lines(&log).len() == 1).await;
    assert_eq!(lines(&old).len(), 6);

    let shown = metrics(&server).await;
    for line in [
        "s3_request_duration_seconds_count{class=\"2xx\",operation=\"PutObject\"} 1",
        "s3_request_duration_seconds_count{class=\"4xx\",operation=\"GetObject\"} 1",
        "s3_request_duration_seconds_count{class=\"4xx\",operation=\"none\"} 1",
        "s3_request_bytes_total{operation=\"PutObject\"} 5",
        "s3_bucket_requests_total{bucket=\"first\",class=\"4xx\"} 1",
        "s3_bucket_requests_total{bucket=\"other\",class=\"2xx\"} 1",
        "access_log_lines_dropped_total 0",
        "terrace_build_info{",
        "process_resident_memory_bytes ",
    ] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    server.stop_clean();
}
