//! What no SDK shows: the bytes of answers, over raw sockets, through the real binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod checksums;
mod conditions;
mod hosts;
mod probes;
mod reads;

use std::time::Duration;

use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};

/// Far beyond any answer: a server that is silent fails the test instead of blocking the run.
const DEADLINE: Duration = Duration::from_secs(100);

/// A running server with an empty bucket `/bucket`, and one connection to it: whatever leaves it unusable fails the next request.
struct Fixture {
    server: Server,
    signer: Signer,
    connection: Connection,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(Server::start()).await
    }

    /// A server whose clients may name buckets by hosts below `domain`.
    async fn below(domain: &str) -> Self {
        let home = Home::new();
        let mut command = home.command(&["serve"]);
        command.env("TERRACE_SERVER__DOMAIN", domain);
        Self::on(home.start_by(command)).await
    }

    async fn on(server: Server) -> Self {
        let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
        let connection = Connection::open(server.address()).await.unwrap();
        let mut f = Self { server, signer, connection };
        f.ok(&Request::new("PUT", "/bucket").body(b""), b"").await;
        f
    }

    /// The answer to one request.
    async fn send(&mut self, request: &Request, body: &[u8]) -> (Answer, String) {
        let head = self.signer.head(request);
        self.send_raw(&head, body).await
    }

    /// The answer to bytes as they stand.
    async fn send_raw(&mut self, head: &str, body: &[u8]) -> (Answer, String) {
        self.connection.send_request(head, body).await.unwrap();
        let mut text = Vec::new();
        let head_only = head.starts_with("HEAD ");
        let answer = self.connection.receive(head_only, |bytes| text.extend_from_slice(bytes));
        let answer = tokio::time::timeout(DEADLINE, answer).await;
        let answer = answer.unwrap_or_else(|_| panic!("still no answer to {head}"));
        let answer = answer.unwrap_or_else(|error| panic!("no answer to {head}: {error}"));
        (answer, String::from_utf8_lossy(&text).into_owned())
    }

    /// A request that must succeed; its body.
    async fn ok(&mut self, request: &Request, body: &[u8]) -> String {
        let (answer, said) = self.send(request, body).await;
        let status = answer.status;
        assert!((200..300).contains(&status), "{} {}: {status} {said}", request.method, request.path);
        said
    }

    fn finish(self) {
        drop(self.connection);
        self.server.stop_clean();
    }
}

/// Text of the first element of this name.
fn element<'d>(document: &'d str, name: &str) -> &'d str {
    let open = format!("<{name}>");
    let inside = document.split_once(&open).map_or("", |(_, inside)| inside);
    inside.split("</").next().unwrap_or_default()
}
