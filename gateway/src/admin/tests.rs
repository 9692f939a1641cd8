use std::path::Path;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::Registry;
use terrace_runtime::{SystemClock, SystemIds, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::config::AccessLog;
use crate::server::{BoxError, Environment, Limits, Listener, Server, ServerMetrics};

/// Remembers what it was asked.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

#[async_trait]
impl Operations for Asked {
    async fn fsck(&self, repair: bool) -> Result<Report, BoxError> {
        self.0.lock().push(format!("fsck repair={repair}"));
        Ok(Report { clean: false, text: "3 blobs\n".to_owned() })
    }

    async fn backup(&self, directory: &Path) -> Result<Report, BoxError> {
        self.0.lock().push(format!("backup {}", directory.display()));
        Err("no room".into())
    }
}

struct Fixture {
    admin: Admin,
    endpoint: Endpoint,
    _server: Server,
}

fn start() -> Fixture {
    let registry = Registry::new();
    let metrics = ServerMetrics::register(&registry, "admin").unwrap();
    let admin = Admin {
        readiness: Arc::default(),
        registry,
        tasks: Tasks::new(),
        token: Arc::default(),
        operations: Arc::new(OnceLock::new()),
    };
    let long = std::time::Duration::from_secs(600);
    let limits = Limits {
        connections: 4,
        header_size: 32 << 10,
        header_timeout: long,
        write_stall: long,
        keep_alive: long,
        operations: 4,
        body_memory: 1 << 20,
        body_piece: 1 << 10,
    };
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let endpoint = Endpoint::new(listener.address(), listener.address()).unwrap();
    let clock = Arc::new(SystemClock::new());
    let environment = Environment {
        limits,
        clock,
        ids: &SystemIds,
        metrics,
        access_log: AccessLog::Off,
        tls: None,
        requests: None,
    };
    let server = Server::start(listener, admin.clone(), environment);
    Fixture { admin, endpoint, _server: server }
}

async fn get(fixture: &Fixture, path: &str) -> String {
    let mut stream = TcpStream::connect(fixture.endpoint.admin).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_is_503_with_its_reasons_and_liveness_is_not() {
    let fixture = start();
    fixture.admin.readiness.hold("the store is being opened");
    let answer = get(&fixture, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("the store is being opened"), "{answer}");
    assert!(get(&fixture, "/healthz").await.starts_with("HTTP/1.1 200"));
    fixture.admin.readiness.release("the store is being opened");
    assert!(get(&fixture, "/readyz").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn metrics_and_statuses_are_shown() {
    let fixture = start();
    fixture.admin.tasks.worker("reclaim", |stop, status| async move {
        status.set("nothing to do");
        stop.wait().await;
    });
    assert!(get(&fixture, "/healthz").await.starts_with("HTTP/1.1 200"));
    let metrics = get(&fixture, "/metrics").await;
    assert!(metrics.contains("http_answers_total{class=\"2xx\",listener=\"admin\"}"), "{metrics}");
    assert!(get(&fixture, "/status").await.contains("worker reclaim: nothing to do"));
    assert!(get(&fixture, "/").await.starts_with("HTTP/1.1 404"));
    assert!(get(&fixture, "/backup").await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn operations_need_the_token_of_this_start_and_the_store() {
    let fixture = start();
    let asked = Arc::new(Asked::default());
    let refused = |error: ClientError| match error {
        ClientError::Refused { status, .. } => status.as_u16(),
        ClientError::NotRunning(_) => 403,
        other => panic!("{other}"),
    };
    assert_eq!(refused(call(&fixture.endpoint, "/fsck", Bytes::new()).await.unwrap_err()), 403);
    fixture.admin.token.set(fixture.endpoint.token.clone()).unwrap();
    assert_eq!(refused(call(&fixture.endpoint, "/fsck", Bytes::new()).await.unwrap_err()), 503);
    assert!(fixture.admin.operations.set(asked.clone()).is_ok());

    let mut stale = fixture.endpoint.clone();
    stale.token = Endpoint::new(stale.s3, stale.admin).unwrap().token;
    assert_eq!(refused(call(&stale, "/fsck", Bytes::new()).await.unwrap_err()), 403);
    assert!(asked.0.lock().is_empty());

    let report = call(&fixture.endpoint, "/fsck?repair", Bytes::new()).await.unwrap();
    assert_eq!(report, Report { clean: false, text: "3 blobs\n".to_owned() });
    let error = call(&fixture.endpoint, "/backup", Bytes::from_static(b"/a/copy")).await.unwrap_err();
    assert!(error.to_string().contains("no room"), "{error}");
    assert_eq!(
        refused(call(&fixture.endpoint, "/backup", Bytes::from_static(b"copy")).await.unwrap_err()),
        400
    );
    assert_eq!(refused(call(&fixture.endpoint, "/backup", vec![b'/'; 5_000].into()).await.unwrap_err()), 400);
    assert_eq!(*asked.0.lock(), ["fsck repair=true", "backup /a/copy"]);
}

#[tokio::test]
async fn nobody_listening_is_told_from_a_refusal() {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let endpoint = Endpoint::new(listener.address(), listener.address()).unwrap();
    drop(listener);
    let error = call(&endpoint, "/fsck", Bytes::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::NotRunning(_)), "{error}");
}

#[test]
fn the_endpoint_file_is_its_owners_alone_and_goes_with_an_orderly_stop() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    assert!(Endpoint::read(directory.path()).unwrap().is_none());
    let endpoint = Endpoint::new(([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()).unwrap();
    endpoint.write(directory.path()).unwrap();
    assert!(Endpoint::read(directory.path()).unwrap() == Some(endpoint));
    let mode = std::fs::metadata(directory.path().join("endpoint")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    Endpoint::remove(directory.path()).unwrap();
    Endpoint::remove(directory.path()).unwrap();
    assert!(Endpoint::read(directory.path()).unwrap().is_none());
}
