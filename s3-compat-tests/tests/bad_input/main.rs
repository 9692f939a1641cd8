//! What no client should send, over raw sockets. After each: the answer that AWS gives, a server that still answers, nothing half
//! visible, and a directory in which `terrace fsck` finds nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod chunks;
mod disk;
mod documents;
mod journal;
mod names;
mod parts;
mod requests;
mod signatures;
mod version_2;

use std::time::Duration;

use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};

const MIB: usize = 1024 * 1024;

/// Far beyond any answer: a server that is silent fails the test instead of blocking the run.
const DEADLINE: Duration = Duration::from_secs(100);

/// A running server with an empty bucket `/bucket`.
struct Fixture {
    server: Server,
    signer: Signer,
}

impl Fixture {
    async fn new() -> Self {
        let f = Self::on(Server::start());
        f.ok(&Request::new("PUT", "/bucket").body(b""), b"").await;
        f
    }

    /// A server on a directory that has the bucket.
    fn on(server: Server) -> Self {
        let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
        Self { server, signer }
    }

    async fn connect(&self) -> Connection {
        Connection::open(self.server.address()).await.unwrap()
    }

    /// The answer to one request on a connection of its own.
    async fn send(&self, request: &Request, body: &[u8]) -> (Answer, String) {
        self.send_raw(&self.signer.head(request), body).await
    }

    /// The answer to bytes as they stand.
    async fn send_raw(&self, head: &str, body: &[u8]) -> (Answer, String) {
        let mut connection = self.connect().await;
        connection.send_request(head, body).await.unwrap();
        let head_only = head.starts_with("HEAD ");
        let mut text = Vec::new();
        let answer = connection.receive(head_only, |bytes| text.extend_from_slice(bytes));
        let answer = tokio::time::timeout(DEADLINE, answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("still no answer to {head}"));
        let answer = answer.unwrap_or_else(|error| panic!("no answer to {head}: {error}"));
        (answer, String::from_utf8_lossy(&text).into_owned())
    }

    /// A request that must succeed; its body.
    async fn ok(&self, request: &Request, body: &[u8]) -> String {
        let (answer, said) = self.send(request, body).await;
        assert!(
            (200..300).contains(&answer.status),
            "{} {}: {} {said}",
            request.method,
            request.path,
            answer.status
        );
        said
    }

    /// A request that must be refused with this status and S3 code.
    async fn refused(&self, request: &Request, body: &[u8], status: u16, code: &str) {
        let (answer, said) = self.send(request, body).await;
        assert_refused(
            &answer,
            &said,
            status,
            code,
            &format!("{} {}?{}", request.method, request.path, request.query),
        );
    }

    /// The object is not there.
    async fn absent(&self, key: &str) {
        self.refused(&get(key), b"", 404, "NoSuchKey").await;
    }

    /// The server goes on serving, and stops with a sound directory.
    async fn finish(self) -> Home {
        self.ok(&put("witness", b"alive"), b"alive").await;
        assert_eq!(self.ok(&get("witness"), b"").await, "alive");
        self.server.stop_clean()
    }
}

/// A PUT of an object in the bucket.
fn put(key: &str, body: &[u8]) -> Request {
    Request::new("PUT", &format!("/bucket/{key}")).body(body)
}

/// A GET of an object in the bucket.
fn get(key: &str) -> Request {
    Request::new("GET", &format!("/bucket/{key}"))
}

/// An answer is an S3 error document with this status and code, and a request id.
#[track_caller]
fn assert_refused(answer: &Answer, said: &str, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {said}");
    assert!(said.contains(&format!("<Code>{code}</Code>")), "{what}: not {code}: {said}");
    assert!(said.contains("<RequestId>"), "{what}: no request id: {said}");
}
