//! Signature version 2: a presigned query for objects, and nothing else.

use hmac::{Hmac, KeyInit as _, Mac as _};
use s3_compat_tests::http1::Answer;
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY};
use s3_compat_tests::sign::escape_query;
use sha1::Sha1;

use super::{Fixture, assert_refused, get, put};

fn now() -> u64 {
    u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).unwrap()
}

fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    base64::Engine::encode(&base64::prelude::BASE64_STANDARD, mac.finalize().into_bytes())
}

/// A path with a query that is signed for it, valid until `end`.
fn presigned(method: &str, path: &str, end: u64) -> String {
    let signature = escape_query(&sign(&format!("{method}\n\n\n{end}\n{path}")));
    format!("{path}?AWSAccessKeyId={ACCESS_KEY}&Expires={end}&Signature={signature}")
}

async fn send(f: &Fixture, method: &str, target: &str, more: &str, body: &[u8]) -> (Answer, String) {
    let (host, length) = (f.server.address(), body.len());
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{more}\r\n");
    f.send_raw(&head, body).await
}

#[tokio::test]
async fn a_presigned_object_is_read_and_written() {
    let f = Fixture::new().await;
    let end = now() + 600;
    let (answer, said) = send(&f, "PUT", &presigned("PUT", "/bucket/key", end), "", b"body").await;
    assert_eq!(answer.status, 200, "{said}");
    let (answer, said) =
        send(&f, "GET", &presigned("GET", "/bucket/key", end), "range: bytes=1-2\r\n", b"").await;
    assert_eq!((answer.status, said.as_str()), (206, "od"));
    let (answer, _) = send(&f, "HEAD", &presigned("HEAD", "/bucket/key", end), "", b"").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("4")));
    f.finish().await;
}

#[tokio::test]
async fn what_was_not_signed_with_version_2_is_not_done() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"kept"), b"kept").await;
    f.ok(&put("other", b"secret"), b"secret").await;
    let end = now() + 600;
    let (read, write) = (presigned("GET", "/bucket/key", end), presigned("PUT", "/bucket/key", end));
    let mismatch = "SignatureDoesNotMatch";
    for (method, target, more, status, code) in [
        ("PUT", read.clone(), "", 403, mismatch),
        ("GET", read.replace("/key", "/other"), "", 403, mismatch),
        ("GET", format!("{read}&acl"), "", 403, mismatch),
        ("GET", read.replace(&end.to_string(), &(end + 1).to_string()), "", 403, mismatch),
        ("GET", read.replace("Signature=", "Signature=A"), "", 403, mismatch),
        ("GET", read.replace(ACCESS_KEY, "STRANGER"), "", 403, "InvalidAccessKeyId"),
        ("GET", presigned("GET", "/bucket/key", now() - 1), "", 403, "AccessDenied"),
        (
            "GET",
            presigned("GET", "/bucket/key", now() + 700_000),
            "",
            400,
            "AuthorizationQueryParametersError",
        ),
        ("PUT", write.clone(), "x-amz-copy-source: /bucket/other\r\n", 403, mismatch),
        ("PUT", format!("{write}&x-amz-copy-source=%2Fbucket%2Fother"), "", 403, mismatch),
        ("PUT", write.clone(), "x-amz-meta-a: 1\r\n", 403, mismatch),
        ("PUT", write.clone(), "content-type: text/html\r\n", 403, mismatch),
        ("DELETE", presigned("DELETE", "/bucket/key", end), "", 400, "InvalidRequest"),
        ("GET", presigned("GET", "/bucket", end), "", 400, "InvalidRequest"),
        ("GET", presigned("GET", "/", end), "", 400, "InvalidRequest"),
        ("PUT", presigned("PUT", "/second", end), "", 400, "InvalidRequest"),
    ] {
        let (answer, said) = send(&f, method, &target, more, b"").await;
        assert_refused(&answer, &said, status, code, &format!("{method} {target} {more}"));
        assert!(!said.contains("secret"), "{said}");
    }
    // Parameters beside the signed ones are not believed.
    let (answer, said) = send(&f, "GET", &format!("{read}&attributes"), "", b"").await;
    assert_eq!((answer.status, said.as_str()), (200, "kept"));
    f.finish().await;
}

#[tokio::test]
async fn version_2_in_a_header_or_a_form_is_refused() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"kept"), b"kept").await;
    let date = "Thu, 19 Nov 2026 00:00:00 GMT";
    for (method, path) in [("GET", "/bucket/key"), ("PUT", "/bucket/key"), ("GET", "/"), ("GET", "/bucket")] {
        let signature = sign(&format!("{method}\n\n\n{date}\n{path}"));
        let more = format!("date: {date}\r\nauthorization: AWS {ACCESS_KEY}:{signature}\r\n");
        let (answer, said) = send(&f, method, path, &more, b"").await;
        assert_refused(&answer, &said, 400, "InvalidRequest", path);
    }
    let form = "--x\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\nkey\r\n--x\r\ncontent-disposition: form-data; \
                name=\"AWSAccessKeyId\"\r\n\r\nA\r\n--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nforged\r\n--x--\r\n";
    let more = "content-type: multipart/form-data; boundary=x\r\n";
    let (answer, said) = send(&f, "POST", "/bucket", more, form.as_bytes()).await;
    assert_refused(&answer, &said, 501, "NotImplemented", "a form");
    assert_eq!(f.ok(&get("key"), b"").await, "kept");
    f.finish().await;
}

#[tokio::test]
async fn version_2_can_be_turned_off() {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_AUTH__PRESIGNED_V2", "false");
    let f = Fixture::on(home.start_by(command));
    let (answer, said) = send(&f, "GET", &presigned("GET", "/bucket/key", now() + 600), "", b"").await;
    assert_refused(&answer, &said, 400, "InvalidRequest", "turned off");
    f.server.stop_clean();
}
