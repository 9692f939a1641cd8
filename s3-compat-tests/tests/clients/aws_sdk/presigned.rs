//! Presigned requests, sent by a client that knows nothing of signatures.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use s3_compat_tests::http1::{Answer, Connection};

use super::{BUCKET, Fixture};

async fn send(f: &Fixture, signed: &PresignedRequest, body: &[u8]) -> (Answer, String) {
    let path = signed.uri().strip_prefix(f.server.endpoint()).expect("the address of the server");
    let mut head = format!("{} {path} HTTP/1.1\r\nhost: {}\r\n", signed.method(), f.server.address());
    for (name, value) in signed.headers() {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() && !head.to_ascii_lowercase().contains("content-length") {
        head += &format!("content-length: {}\r\n", body.len());
    }
    let mut connection = Connection::open(f.server.address()).await.unwrap();
    connection.send_request(&(head + "\r\n"), body).await.unwrap();
    connection.receive_text().await.unwrap()
}

fn an_hour() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(3600)).unwrap()
}

#[tokio::test]
async fn a_presigned_put_writes_and_a_presigned_get_reads() {
    let f = Fixture::new().await;
    let put = f.s3.put_object().bucket(BUCKET).key("a key/+ü").presigned(an_hour()).await.unwrap();
    let (answer, said) = send(&f, &put, b"by url").await;
    assert_eq!(answer.status, 200, "{said}");
    let get = f.s3.get_object().bucket(BUCKET).key("a key/+ü").response_content_type("text/z");
    let (answer, body) = send(&f, &get.presigned(an_hour()).await.unwrap(), b"").await;
    assert_eq!((answer.status, body.as_str()), (200, "by url"));
    assert_eq!(answer.header("content-type"), Some("text/z"));
    f.finish();
}

#[tokio::test]
async fn a_presigned_head_and_delete_do_what_they_say_and_every_override_is_answered() {
    let f = Fixture::new().await;
    f.put("key", b"body").await;
    let overridden =
        f.s3.get_object()
            .bucket(BUCKET)
            .key("key")
            .response_cache_control("no-store")
            .response_content_disposition("attachment; filename=\"a b+c.txt\"")
            .response_content_encoding("x")
            .response_content_language("de")
            .response_content_type("text/y")
            .response_expires(aws_sdk_s3::primitives::DateTime::from_secs(60));
    let (answer, _) = send(&f, &overridden.presigned(an_hour()).await.unwrap(), b"").await;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-disposition", "attachment; filename=\"a b+c.txt\""),
        ("content-encoding", "x"),
        ("content-language", "de"),
        ("content-type", "text/y"),
        ("expires", "Thu, 01 Jan 1970 00:01:00 GMT"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    let head = f.s3.head_object().bucket(BUCKET).key("key").presigned(an_hour()).await.unwrap();
    let path = head.uri().strip_prefix(f.server.endpoint()).unwrap();
    let mut connection = Connection::open(f.server.address()).await.unwrap();
    let request = format!("HEAD {path} HTTP/1.1\r\nhost: {}\r\n\r\n", f.server.address());
    connection.send(request.as_bytes()).await.unwrap();
    let answer = connection.receive(true, |_| {}).await.unwrap();
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("4")));
    let delete = f.s3.delete_object().bucket(BUCKET).key("key").presigned(an_hour()).await.unwrap();
    assert_eq!(send(&f, &delete, b"").await.0.status, 204);
    f.assert_absent("key").await;
    f.finish();
}

#[tokio::test]
async fn a_presigned_request_serves_for_nothing_else() {
    let f = Fixture::new().await;
    f.put("key", b"body").await;
    let get = f.s3.get_object().bucket(BUCKET).key("key").presigned(an_hour()).await.unwrap();
    let path = get.uri().strip_prefix(f.server.endpoint()).unwrap();
    let (rest, signature) = path.split_once("X-Amz-Signature=").unwrap();
    let (digit, behind) = signature.split_at(1);
    let other = format!("{rest}X-Amz-Signature={}{behind}", if digit == "0" { "1" } else { "0" });
    let tampered = [("DELETE", path.to_owned()), ("GET", path.replace("/key?", "/yek?")), ("GET", other)];
    for (method, path) in tampered {
        let mut connection = Connection::open(f.server.address()).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n\r\n", f.server.address());
        connection.send(head.as_bytes()).await.unwrap();
        let (answer, said) = connection.receive_text().await.unwrap();
        assert_eq!(answer.status, 403, "{said}");
        assert!(said.contains("<Code>SignatureDoesNotMatch</Code>"), "{said}");
    }
    assert_eq!(f.get("key").await, b"body");
    f.finish();
}
