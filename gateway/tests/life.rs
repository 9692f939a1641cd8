//! The life of a gateway in this process: start, serve, stop, in their order.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use parking_lot::Mutex;
use terrace::admin::{Endpoint, Operations, Report};
use terrace::config::Settings;
use terrace::run::{Addresses, Assembly, Base, Ended, StartError, run};
use terrace::server::{BoxError, RequestBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

/// What happened, in order.
type Events = Arc<Mutex<Vec<&'static str>>>;

/// A handler that no test gets as far as making.
type NeverMade = fn(Request<RequestBody>) -> std::future::Ready<Response<Full<Bytes>>>;

struct NoOperations;

#[async_trait]
impl Operations for NoOperations {
    async fn fsck(&self, _repair: bool) -> Result<Report, BoxError> {
        Err("nothing to look at".into())
    }

    async fn backup(&self, _directory: &Path) -> Result<Report, BoxError> {
        Err("nothing to copy".into())
    }
}

fn settings(directory: &Path) -> Settings {
    let mut settings = Settings { data_dir: directory.join("data"), ..Settings::default() };
    settings.server.listen = ([127, 0, 0, 1], 0).into();
    settings.admin.listen = ([127, 0, 0, 1], 0).into();
    settings.space.ballast = 0;
    settings.space.reserve = Some(0);
    settings
}

async fn hello(_request: Request<RequestBody>) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(b"hello")))
}

/// Assembles `handler`, and notes when its engines are closed.
fn assembly<H>(handler: H, events: &Events) -> Assembly<H> {
    let events = Arc::clone(events);
    let close = move || -> futures::future::BoxFuture<'static, Result<(), BoxError>> {
        events.lock().push("engines closed");
        Box::pin(async { Ok(()) })
    };
    Assembly { handler, operations: Arc::new(NoOperations), close: Box::new(close) }
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_stop_finishes_requests_then_operations_then_workers_then_closes_the_engines() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let data = settings.data_dir.clone();
    let events = Events::default();
    let (go, arrived) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, told) = oneshot::channel::<(Addresses, Arc<Notify>)>();
    let stop = Arc::new(Notify::new());

    let (gate, seen, noted) = (Arc::clone(&go), Arc::clone(&arrived), Arc::clone(&events));
    let assemble = move |base: Base, _credentials, _space| async move {
        let worker = Arc::clone(&noted);
        base.tasks.worker("worker", move |stop, _| async move {
            stop.wait().await;
            worker.lock().push("worker stopped");
        });
        let answered = Arc::clone(&noted);
        let handler = move |_request| {
            let (gate, seen, answered, tasks) =
                (Arc::clone(&gate), Arc::clone(&seen), Arc::clone(&answered), base.tasks.clone());
            async move {
                seen.notify_one();
                gate.notified().await;
                let operation = Arc::clone(&answered);
                drop(tasks.operation("put", async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    operation.lock().push("operation done");
                }));
                answered.lock().push("request answered");
                Response::new(Full::new(Bytes::from_static(b"done")))
            }
        };
        Ok(assembly(handler, &noted))
    };
    let signal = Arc::clone(&stop);
    let gateway = run(settings, assemble, |addresses| drop(tell.send((addresses, signal))), async {
        stop.notified().await;
    });
    let client = async {
        let (addresses, stop) = told.await.unwrap();
        let endpoint = Endpoint::read(&data).unwrap().expect("a running gateway has an endpoint file");
        assert_eq!((endpoint.s3, endpoint.admin), (addresses.s3, addresses.admin));
        assert!(get(addresses.admin, "/readyz").await.starts_with("HTTP/1.1 200"));
        let request = get(addresses.s3, "/slow");
        let stopper = async {
            arrived.notified().await;
            stop.notify_one();
            while !get(addresses.admin, "/readyz").await.contains("stopping") {}
            go.notify_one();
        };
        let (answer, ()) = tokio::join!(request, stopper);
        assert!(answer.ends_with("done"), "{answer}");
    };
    let (ended, ()) = tokio::join!(gateway, client);
    assert_eq!(ended.unwrap(), Ended::Stopped);
    assert_eq!(*events.lock(), ["request answered", "operation done", "worker stopped", "engines closed"]);
    assert!(Endpoint::read(&data).unwrap().is_none());
}

#[tokio::test]
async fn a_fatal_error_of_an_engine_ends_the_gateway_at_once_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let events = Events::default();
    let assemble = |base: Base, _credentials, _space| {
        let assembled = assembly(hello, &events);
        async move {
            base.fatal.raise("fsync of the journal: input/output error");
            base.fatal.raise("a later one");
            Ok(assembled)
        }
    };
    let ended = run(settings(directory.path()), assemble, |_| {}, std::future::pending()).await.unwrap();
    assert_eq!(ended, Ended::Fatal("fsync of the journal: input/output error".to_owned()));
    assert!(events.lock().is_empty(), "nothing is closed in order");
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_setting_and_what_was_opened_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(directory.path());
    settings.server.listen = taken.local_addr().unwrap();
    let events = Events::default();
    let assemble = |_base, _credentials, _space| std::future::ready(Ok(assembly(hello, &events)));
    let error =
        run(settings, assemble, |_| panic!("it did not start"), std::future::pending()).await.unwrap_err();
    match &error {
        StartError::Listen { setting: "server.listen", source, .. } => {
            assert_eq!(source.kind(), ErrorKind::AddrInUse);
        }
        other => panic!("{other}"),
    }
    assert_eq!(*events.lock(), ["engines closed"]);
}

#[tokio::test]
async fn data_that_cannot_be_opened_is_told_before_a_port_that_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(directory.path());
    settings.server.listen = taken.local_addr().unwrap();
    let assemble = |_base, _credentials, _space| async {
        let failed: Result<Assembly<NeverMade>, BoxError> = Err("in use by another process".into());
        failed
    };
    let error = run(settings, assemble, |_| {}, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, StartError::Assemble(_)), "{error}");
}

#[tokio::test]
async fn a_gateway_is_not_ready_until_its_store_is_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(directory.path());
    // A port that is free now, so that it is known before the start.
    settings.admin.listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let admin = settings.admin.listen;
    let (opened, open) = oneshot::channel::<()>();
    let (ready, started) = oneshot::channel::<()>();
    let events = Events::default();
    let assemble = |_base, _credentials, _space| {
        let assembled = assembly(hello, &events);
        async move {
            open.await?;
            Ok(assembled)
        }
    };
    let client = async {
        let answer = get(admin, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("being opened"), "{answer}");
        assert!(get(admin, "/healthz").await.starts_with("HTTP/1.1 200"));
        opened.send(()).unwrap();
        started.await.unwrap();
        assert!(get(admin, "/readyz").await.starts_with("HTTP/1.1 200"));
        let metrics = get(admin, "/metrics").await;
        for name in
            ["process_resident_memory_bytes", "terrace_build_info", "http_connections{listener=\"s3\"}"]
        {
            assert!(metrics.contains(name), "{name} is not in {metrics}");
        }
        Ok::<_, Infallible>(())
    };
    let done = Notify::new();
    let gateway = run(settings, assemble, |_| ready.send(()).unwrap(), done.notified());
    let client = async {
        client.await.unwrap();
        done.notify_one();
    };
    let (ended, ()) = tokio::join!(gateway, client);
    assert_eq!(ended.unwrap(), Ended::Stopped);
}
