//! What every answer has.

use s3_compat_tests::http1::Connection;
use s3_compat_tests::sign::Request;

use super::{Fixture, element};

fn get(path: &str) -> Request {
    Request::new("GET", path)
}

#[tokio::test]
async fn every_answer_names_its_request_and_every_refusal_is_a_document() {
    let mut f = Fixture::new().await;
    let etag = {
        let (answer, _) = f.send(&Request::new("PUT", "/bucket/key").body(b"body"), b"body").await;
        answer.header("etag").unwrap().to_owned()
    };
    let mut ids = Vec::new();
    for (request, status) in [
        (get("/"), 200),
        (get("/bucket"), 200),
        (get("/bucket/key"), 200),
        (get("/bucket/key").header("range", "bytes=1-2"), 206),
        (get("/bucket/key").header("if-none-match", &*etag), 304),
        (get("/bucket/key").header("if-match", "\"other\""), 412),
        (get("/bucket/key").header("range", "bytes=9-"), 416),
        (get("/bucket/absent"), 404),
        (get("/bucket").query("cors="), 404),
        (get("/bucket").query("inventory="), 501),
        (get("/bucket/key").query("torrent="), 501),
        (get("/bucket/key").header("x-amz-server-side-encryption-customer-algorithm", "AES256"), 501),
        (get("/Bad_Name"), 400),
        (Request::new("HEAD", "/bucket/key"), 200),
        (Request::new("HEAD", "/bucket/absent"), 404),
        (Request::new("HEAD", "/absent"), 404),
        (Request::new("HEAD", "/bucket/key").header("if-match", "\"other\""), 412),
        (Request::new("OPTIONS", "/bucket/key"), 400),
        (
            Request::new("OPTIONS", "/bucket/key")
                .header("origin", "x")
                .header("access-control-request-method", "PUT"),
            403,
        ),
        (Request::new("POST", "/bucket/key").body(b""), 501),
        (Request::new("DELETE", "/bucket/key").query("acl="), 405),
        (Request::new("DELETE", "/bucket"), 409),
        (Request::new("DELETE", "/bucket/key"), 204),
    ] {
        let what = format!("{} {}?{}", request.method, request.path, request.query);
        let (answer, said) = f.send(&request, b"").await;
        assert_eq!(answer.status, status, "{what}: {said}");
        let id = answer.header("x-amz-request-id").unwrap_or_else(|| panic!("{what}: no id")).to_owned();
        assert!(answer.header("x-amz-id-2").is_some() && answer.header("date").is_some(), "{what}");
        if request.method == "HEAD" || matches!(status, 204 | 304) {
            assert_eq!(said, "", "{what}");
        } else if status >= 400 {
            assert_eq!(answer.header("content-type"), Some("application/xml"), "{what}");
            assert_eq!(element(&said, "RequestId"), id, "{what}: {said}");
            assert!(!element(&said, "Code").is_empty() && !element(&said, "Message").is_empty(), "{said}");
        }
        ids.push(id);
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each has its own");
    f.finish();
}

#[tokio::test]
async fn an_unsigned_or_forged_request_is_answered_the_same_way() {
    let mut f = Fixture::new().await;
    let host = f.server.address().to_owned();
    for (method, status, code) in [
        ("GET", 403, "AccessDenied"),
        ("HEAD", 403, ""),
        ("PUT", 403, "AccessDenied"),
        ("OPTIONS", 400, "BadRequest"),
    ] {
        let head = format!("{method} /bucket/key HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n\r\n");
        let (answer, said) = f.send_raw(&head, b"").await;
        assert_eq!((answer.status, element(&said, "Code")), (status, code), "{method}: {said}");
        assert!(answer.header("x-amz-request-id").is_some());
    }
    let forged = f.signer.head(&get("/bucket/key")).replace("/bucket/key", "/bucket/kez");
    let (answer, said) = f.send_raw(&forged, b"").await;
    assert_eq!((answer.status, element(&said, "Code")), (403, "SignatureDoesNotMatch"));
    assert_eq!(answer.header("x-amz-request-id"), Some(element(&said, "RequestId")));
    f.finish();
}

#[tokio::test]
async fn an_error_says_what_it_is_about() {
    let mut f = Fixture::new().await;
    f.ok(&Request::new("PUT", "/bucket/a<b").body(b"body"), b"body").await;
    let long = format!("/bucket/{}", "k".repeat(1_025));
    for (request, code, elements) in [
        (get("/bucket/x&y"), "NoSuchKey", vec![("Key", "x&amp;y"), ("Resource", "/bucket/x&amp;y")]),
        (get("/absent"), "NoSuchBucket", vec![("BucketName", "absent"), ("Resource", "/absent")]),
        (Request::new("DELETE", "/bucket"), "BucketNotEmpty", vec![("BucketName", "bucket")]),
        (get("/bucket").query("cors="), "NoSuchCORSConfiguration", vec![("Resource", "/bucket")]),
        (get("/bucket/a<b").query("uploadId=u1"), "NoSuchUpload", vec![("UploadId", "u1")]),
        (
            get("/bucket/a<b").header("range", "bytes=9-"),
            "InvalidRange",
            vec![("RangeRequested", "bytes=9-"), ("ActualObjectSize", "4")],
        ),
        (
            get("/bucket/a<b").header("if-match", "\"other\""),
            "PreconditionFailed",
            vec![("Condition", "If-Match"), ("Resource", "/bucket/a&lt;b")],
        ),
        (get(&long), "KeyTooLongError", vec![("Size", "1025"), ("MaxSizeAllowed", "1024")]),
        (
            Request::new("DELETE", "/bucket/a<b").query("acl="),
            "MethodNotAllowed",
            vec![("Method", "DELETE"), ("ResourceType", "OBJECT")],
        ),
    ] {
        let (answer, said) = f.send(&request, b"").await;
        assert_eq!(element(&said, "Code"), code, "{said}");
        assert_eq!(answer.header("x-amz-id-2"), Some(element(&said, "HostId")), "{said}");
        for (name, text) in elements {
            assert_eq!(element(&said, name), text, "{said}");
        }
    }
    let forged = f.signer.head(&get("/bucket/a")).replace("/bucket/a", "/bucket/b");
    let (answer, said) = f.send_raw(&forged, b"").await;
    let (code, resource) = (element(&said, "Code"), element(&said, "Resource"));
    assert_eq!((code, resource), ("SignatureDoesNotMatch", "/bucket/b"), "{said}");
    assert_eq!(answer.header("x-amz-id-2"), Some(element(&said, "HostId")));
    f.finish();
}

#[tokio::test]
async fn no_origin_is_reflected_and_no_forwarded_header_believed() {
    let mut f = Fixture::new().await;
    f.ok(&Request::new("PUT", "/bucket/key").body(b"<script>"), b"<script>").await;
    for request in
        [get("/bucket/key"), get("/bucket"), get("/bucket/absent"), Request::new("OPTIONS", "/bucket/key")]
    {
        let request = request
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "GET")
            .header("x-forwarded-host", "other.example")
            .header("x-forwarded-for", "127.0.0.1")
            .header("forwarded", "host=other.example");
        let (answer, said) = f.send(&request, b"").await;
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{answer:?}");
        assert!(!said.contains("evil.example") && !said.contains("other.example"), "{said}");
    }
    let (answer, _) = f.send(&get("/bucket/key"), b"").await;
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    // A host that was not signed is not replaced by one that a proxy would add.
    let head = f.signer.head(&get("/bucket/key"));
    let host = f.server.address();
    let moved =
        head.replace(&format!("host: {host}"), &format!("host: other.example\r\nx-forwarded-host: {host}"));
    assert_eq!(f.send_raw(&moved, b"").await.0.status, 403);
    f.finish();
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let f = Fixture::new().await;
    let body = vec![7_u8; 3 << 20];
    for length in [4, body.len()] {
        let body = &body[..length];
        let request = Request::new("PUT", "/bucket/key").header("expect", "100-continue").body(body);
        let mut connection = Connection::open(f.server.address()).await.unwrap();
        connection.send(f.signer.head(&request).as_bytes()).await.unwrap();
        let interim =
            tokio::time::timeout(super::DEADLINE, connection.receive_interim()).await.unwrap().unwrap();
        assert_eq!(interim, 100);
        connection.send(body).await.unwrap();
        let (answer, said) = connection.receive_text().await.unwrap();
        assert_eq!(answer.status, 200, "{said}");
    }
    // What cannot be is answered at once, where much would be sent for nothing.
    let refused = Request::new("PUT", "/bucket/key")
        .header("expect", "100-continue")
        .header("if-none-match", "*")
        .body(b"x");
    let mut connection = Connection::open(f.server.address()).await.unwrap();
    connection.send(f.signer.head(&refused).as_bytes()).await.unwrap();
    assert_eq!(connection.receive_interim().await.unwrap(), 100);
    connection.send(b"x").await.unwrap();
    let (answer, said) = connection.receive_text().await.unwrap();
    assert_eq!((answer.status, element(&said, "Code")), (412, "PreconditionFailed"));
    f.finish();
}
