mod admission;
mod secure;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use prometheus::Registry;
use terrace_runtime::{SystemClock, SystemIds};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;
use crate::config::AccessLog;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);
const GENEROUS: Limits = Limits {
    connections: 8,
    header_size: 32 << 10,
    header_timeout: LONG,
    write_stall: LONG,
    keep_alive: LONG,
    operations: 64,
    body_memory: 64 << 20,
    body_piece: 1 << 20,
};

fn start(limits: Limits, handler: impl Handler) -> Server {
    start_with(limits, None, handler)
}

fn start_with(limits: Limits, tls: Option<Arc<Tls>>, handler: impl Handler) -> Server {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let environment = Environment {
        limits,
        clock: Arc::new(SystemClock::new()),
        ids: &SystemIds,
        metrics: ServerMetrics::register(&Registry::new(), "test").unwrap(),
        access_log: AccessLog::Off,
        tls,
        requests: None,
    };
    Server::start(listener, handler, environment)
}

/// Answers with what it was asked: method, path, and the body's bytes.
async fn echo(request: Request<RequestBody>) -> Response<Full<Bytes>> {
    let asked = format!("{} {} ", request.method(), request.uri().path());
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::new(Full::new(Bytes::from([asked.as_bytes(), &body].concat())))
}

struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        Self { stream: TcpStream::connect(server.address()).await.unwrap(), read: Vec::new() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer: its head, and its body by content-length.
    async fn answer(&mut self) -> (String, String) {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                let whole = end + 4 + length;
                if self.read.len() >= whole {
                    let body = String::from_utf8(self.read[end + 4..whole].to_vec()).unwrap();
                    self.read.drain(..whole);
                    return (head, body);
                }
            }
            let count = self.stream.read_buf(&mut self.read).await.unwrap();
            assert!(
                count > 0,
                "the connection ended within an answer: {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    async fn ask(&mut self, text: &str) -> (String, String) {
        self.send(text).await;
        self.answer().await
    }

    /// Reads to the end of the connection and says what came before it.
    async fn end(mut self) -> Vec<u8> {
        // A reset is an end too.
        let _ended = self.stream.read_to_end(&mut self.read).await;
        self.read
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or("")
}

#[tokio::test]
async fn every_answer_names_its_request_and_the_ids_of_one_connection_differ() {
    let server = start(GENEROUS, echo);
    let mut client = Client::connect(&server).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (head, body) = client.ask("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(body, "GET /a ");
        assert_eq!(header(&head, "server"), "Terrace");
        assert!(!header(&head, "date").is_empty() && !header(&head, "x-amz-id-2").is_empty(), "{head}");
        ids.push(header(&head, "x-amz-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 16));
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn a_panic_is_answered_500_with_a_document_and_the_connection_lives_on() {
    let server = start(GENEROUS, |request: Request<RequestBody>| async move {
        assert!(request.uri().path() != "/panic", "on purpose");
        echo(request).await
    });
    let mut client = Client::connect(&server).await;
    let (head, body) = client.ask("GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert!(body.contains("<Code>InternalError</Code>"), "{body}");
    assert!(body.contains(header(&head, "x-amz-request-id")), "{body}");
    let (head, body) = client.ask("HEAD /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 500") && body.is_empty());
    assert_eq!(client.ask("GET /calm HTTP/1.1\r\nhost: x\r\n\r\n").await.1, "GET /calm ");
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_ends_its_connection() {
    let server = start(Limits { header_timeout: SHORT, ..GENEROUS }, echo);
    let mut silent = Client::connect(&server).await;
    silent.send("").await;
    assert!(silent.end().await.is_empty());

    let mut partial = Client::connect(&server).await;
    partial.send("GET / HTTP/1.1\r\nhost:").await;
    assert_turned_away(partial, "400", "RequestTimeout").await;

    let mut second = Client::connect(&server).await;
    second.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    second.send("GET / HTTP/1.1\r\n").await;
    assert_turned_away(second, "400", "RequestTimeout").await;
}

/// The last answer of a connection is an S3 error with an id, and there is one only.
async fn assert_turned_away(mut client: Client, status: &str, code: &str) {
    let (head, body) = client.answer().await;
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    let id = header(&head, "x-amz-request-id");
    assert!(id.len() == 16 && body.contains(&format!("<RequestId>{id}</RequestId>")), "{head} {body}");
    assert!(body.contains(&format!("<HostId>{}</HostId>", header(&head, "x-amz-id-2"))), "{head} {body}");
    assert_eq!((header(&head, "connection"), header(&head, "content-type")), ("close", "application/xml"));
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn bytes_that_are_no_request_are_told_so_also_behind_requests() {
    let server = start(GENEROUS, echo);
    let tls = "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}";
    for bytes in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/3.0\r\nhost: x\r\n\r\n",
        "GE\tT / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nho st: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        tls,
    ] {
        let mut first = Client::connect(&server).await;
        first.send(bytes).await;
        assert_turned_away(first, "400", "BadRequest").await;

        let mut second = Client::connect(&server).await;
        assert_eq!(
            second.ask("PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await.1,
            "PUT /a abc"
        );
        second.send(bytes).await;
        assert_turned_away(second, "400", "BadRequest").await;

        let mut pipelined = Client::connect(&server).await;
        pipelined.send(&format!("GET /a HTTP/1.1\r\nhost: x\r\n\r\n{bytes}")).await;
        assert_eq!(pipelined.answer().await.1, "GET /a ");
        assert_turned_away(pipelined, "400", "BadRequest").await;
    }
}

#[tokio::test]
async fn a_body_that_looks_like_an_answer_of_hyper_is_a_body() {
    const LIKE: &str = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let server = start(GENEROUS, |_request| async {
        let pieces = [Ok::<_, BoxError>(Frame::data(Bytes::from_static(LIKE.as_bytes()))); 1];
        let slow = futures::stream::iter(pieces).then(|piece| async {
            tokio::time::sleep(SHORT).await;
            piece
        });
        let mut response = Response::new(StreamBody::new(Box::pin(slow)));
        response.headers_mut().insert("content-length", LIKE.len().into());
        response
    });
    let mut client = Client::connect(&server).await;
    for _ in 0..3 {
        assert_eq!(client.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.1, LIKE);
    }
}

#[tokio::test]
async fn a_connection_may_rest_longer_than_a_head_may_take_but_not_for_ever() {
    let server = start(Limits { header_timeout: SHORT, ..GENEROUS }, echo);
    let mut client = Client::connect(&server).await;
    client.ask("GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    tokio::time::sleep(4 * SHORT).await;
    assert_eq!(client.ask("GET /2 HTTP/1.1\r\nhost: x\r\n\r\n").await.1, "GET /2 ");

    let server = start(Limits { keep_alive: SHORT, ..GENEROUS }, echo);
    let mut client = Client::connect(&server).await;
    client.ask("GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn a_slow_handler_is_no_slow_client() {
    let limits = Limits { header_timeout: SHORT, keep_alive: SHORT, write_stall: SHORT, ..GENEROUS };
    let server = start(limits, |request: Request<RequestBody>| async move {
        tokio::time::sleep(4 * SHORT).await;
        echo(request).await
    });
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.1, "GET /slow ");
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_of_its_answer_is_cut_off() {
    let endless = |_request| async {
        let chunks =
            futures::stream::repeat_with(|| Ok::<_, BoxError>(Frame::data(Bytes::from_static(&[0; 65_536]))));
        Response::new(StreamBody::new(chunks))
    };
    let server = start(Limits { write_stall: SHORT, ..GENEROUS }, endless);
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // Drains within a budget that only a cut-off connection can keep: nobody reads, and the answer never ends.
    assert_eq!(server.drain(LONG).await, Ok(()));
    drop(client);
}

#[tokio::test]
async fn one_connection_more_than_allowed_is_told_to_slow_down_and_room_is_given_back() {
    let server = start(Limits { connections: 2, ..GENEROUS }, echo);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(&server).await;
        client.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        held.push(client);
    }
    let mut third = Client::connect(&server).await;
    let (head, body) = third.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(body.contains("<Code>SlowDown</Code>") && body.contains(header(&head, "x-amz-request-id")));
    assert!(third.end().await.is_empty());
    assert_eq!(held[0].ask("GET /on HTTP/1.1\r\nhost: x\r\n\r\n").await.1, "GET /on ");

    held.clear();
    loop {
        let (head, _) = Client::connect(&server).await.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        if head.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_drain_finishes_the_request_in_flight_and_closes_what_rests() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, gate) = (Arc::clone(&arrived), Arc::clone(&go));
    let server = start(GENEROUS, move |request: Request<RequestBody>| {
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        async move {
            if request.uri().path() == "/slow" {
                seen.notify_one();
                gate.notified().await;
            }
            echo(request).await
        }
    });
    let mut resting = Client::connect(&server).await;
    resting.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let unused = Client::connect(&server).await;
    let mut busy = Client::connect(&server).await;
    busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    arrived.notified().await;
    let stop = async {
        let drained = server.drain(LONG).await;
        assert_eq!(drained, Ok(()));
    };
    let clients = async {
        assert!(resting.end().await.is_empty());
        assert!(unused.end().await.is_empty());
        go.notify_one();
        let (head, body) = busy.answer().await;
        assert_eq!((body.as_str(), header(&head, "connection")), ("GET /slow ", "close"));
        assert!(busy.end().await.is_empty());
    };
    tokio::join!(stop, clients);
    assert!(TcpStream::connect(server.address()).await.is_err(), "a drained server listens no more");
}

#[tokio::test]
async fn what_is_in_flight_past_the_budget_is_counted_and_cut_off() {
    let arrived = Arc::new(Notify::new());
    let seen = Arc::clone(&arrived);
    let server = start(GENEROUS, move |_request| {
        seen.notify_one();
        std::future::pending::<Response<Full<Bytes>>>()
    });
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    arrived.notified().await;
    assert_eq!(server.drain(SHORT).await, Err(1));
    assert!(client.end().await.is_empty());
}

/// RFC 9112, section 6.1: processed by the transfer coding alone, and the connection ends with it.
#[tokio::test]
async fn content_length_beside_a_transfer_coding_smuggles_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = start(GENEROUS, move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        echo(request)
    });
    for order in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        asked.store(0, Ordering::SeqCst);
        let mut client = Client::connect(&server).await;
        client
            .send(&format!("PUT /a HTTP/1.1\r\nhost: x\r\n{order}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"))
            .await;
        let said = String::from_utf8(client.end().await).unwrap();
        assert!(said.contains("connection: close") && !said.contains("/smuggled"), "{said}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_client_that_is_still_sending_sees_the_answer_to_what_nobody_reads() {
    let server = start(GENEROUS, |_request| async { Response::new(Full::new(Bytes::from_static(b"no"))) });
    let piece = vec![b'x'; 1 << 20];
    for (pieces, sees) in [(1, true), (40, true), (4_000, false)] {
        let mut client = Client::connect(&server).await;
        client.send(&format!("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", pieces << 20)).await;
        let mut sent = 0;
        while sent < pieces && client.stream.write_all(&piece).await.is_ok() {
            sent += 1;
        }
        if sees {
            assert_eq!((sent, client.answer().await.1.as_str()), (pieces, "no"));
            assert!(client.end().await.is_empty());
        } else {
            assert!(sent < pieces / 2, "a client is not listened to without end");
        }
    }
    server.drain(LONG).await.unwrap();
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let server = start(GENEROUS, echo);
    let mut client = Client::connect(&server).await;
    let (head, body) = client.ask("GET /old HTTP/1.0\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    assert_eq!(body, "GET /old ");
    assert!(client.end().await.is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(GENEROUS, echo);
    let mut client = Client::connect(&server).await;
    let one = "PUT /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
    client.send(&format!("{one}GET /2 HTTP/1.1\r\nhost: x\r\n\r\n{one}")).await;
    let mut bodies = VecDeque::new();
    for _ in 0..3 {
        bodies.push_back(client.answer().await.1);
    }
    assert_eq!(bodies, ["PUT /1 abc", "GET /2 ", "PUT /1 abc"]);
}

#[tokio::test]
async fn too_large_and_too_many_headers_are_refused() {
    let server = start(GENEROUS, echo);
    let large = format!("x-large: {}\r\n", "a".repeat(40 << 10));
    let many = "x-many: 1\r\n".repeat(101);
    for headers in [large, many] {
        let mut client = Client::connect(&server).await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        assert_turned_away(client, "431", "RequestHeaderSectionTooLarge").await;
    }
    let mut client = Client::connect(&server).await;
    client.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_mistaken_for_a_whole_one() {
    let server = start(GENEROUS, |_request| async {
        let chunks = [Ok(Frame::data(Bytes::from_static(b"some"))), Err(BoxError::from("the disk is gone"))];
        Response::new(StreamBody::new(futures::stream::iter(chunks)))
    });
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let said = String::from_utf8(client.end().await).unwrap();
    assert!(!said.contains("\r\n0\r\n"), "{said}");
}
