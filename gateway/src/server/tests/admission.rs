//! What is beyond the limits is told so at once.

use super::*;

/// A server whose requests wait for `go`; those that came in are counted by `arrived`.
fn waiting(limits: Limits) -> (Server, Arc<Notify>, Arc<Notify>) {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, gate) = (Arc::clone(&arrived), Arc::clone(&go));
    let server = start(limits, move |request: Request<RequestBody>| {
        let (seen, gate) = (Arc::clone(&seen), Arc::clone(&gate));
        async move {
            if request.uri().path() == "/wait" {
                seen.notify_one();
                gate.notified().await;
            }
            echo(request).await
        }
    });
    (server, arrived, go)
}

fn assert_slowed((head, body): &(String, String)) {
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert_eq!(header(head, "retry-after"), "1");
    assert!(
        body.contains("<Code>SlowDown</Code>") && body.contains(header(head, "x-amz-request-id")),
        "{body}"
    );
}

#[tokio::test]
async fn one_request_more_than_allowed_is_told_to_slow_down_and_room_is_given_back() {
    let (server, arrived, go) = waiting(Limits { operations: 1, ..GENEROUS });
    let mut first = Client::connect(&server).await;
    first.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    arrived.notified().await;
    let mut second = Client::connect(&server).await;
    assert_slowed(&second.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await);
    let (head, body) = second.ask("HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 503") && body.is_empty(), "{head}");
    go.notify_one();
    assert_eq!(first.answer().await.1, "GET /wait ");
    while !second.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.0.starts_with("HTTP/1.1 200") {}
}

#[tokio::test]
async fn bodies_beyond_the_memory_are_told_to_slow_down_and_those_without_come_in() {
    let mib = "a".repeat(1 << 20);
    let put = |path: &str, body: &str| {
        format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let unknown = "PUT /wait HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    for holder in [put("/wait", &mib), put("/wait", &mib.repeat(3)), unknown.to_owned()] {
        let (server, arrived, go) = waiting(Limits { body_memory: (1 << 20) + 4096, ..GENEROUS });
        let mut first = Client::connect(&server).await;
        first.send(&holder).await;
        arrived.notified().await;
        assert_slowed(&Client::connect(&server).await.ask(&put("/", &"b".repeat(8_000))).await);
        assert_slowed(&Client::connect(&server).await.ask(unknown).await);
        let mut small = Client::connect(&server).await;
        assert_eq!(small.ask(&put("/", &"b".repeat(4_000))).await.1.len(), 6 + 4_000);
        assert_eq!(small.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.1, "GET / ");
        go.notify_one();
        assert!(first.answer().await.1.starts_with("PUT /wait "));
        while !small.ask(&put("/", &mib)).await.0.starts_with("HTTP/1.1 200") {
            small = Client::connect(&server).await;
        }
    }
}
