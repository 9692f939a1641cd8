//! Signatures that cover less than they must, live longer than they may, or are there twice.

use s3_compat_tests::server::{Home, SECRET_KEY};
use s3_compat_tests::sign::Request;

use super::{Fixture, assert_refused, get, put};

/// Sends `method target` with more header lines than were signed.
async fn refused(f: &Fixture, (method, target): (&str, &str), more: &str, status: u16, code: &str) {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{more}\r\n", f.server.address());
    let (answer, said) = f.send_raw(&head, b"").await;
    assert_refused(&answer, &said, status, code, &format!("{method} {target} {more}"));
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_header_that_was_not_signed_changes_nothing() {
    let f = Fixture::new().await;
    f.ok(&put("other", b"secret"), b"secret").await;
    let unsigned = [
        "x-amz-copy-source: /bucket/other",
        "x-amz-copy-source-range: bytes=0-1",
        "x-amz-meta-a: 1",
        "x-amz-acl: private",
        "x-amz-storage-class: GLACIER",
        "x-amz-if-match-size: 1",
        "X-AMZ-Metadata-Directive: REPLACE",
    ];
    let by_header = f.signer.head(&put("key", b""));
    let by_query = f.signer.presigned(&Request::new("PUT", "/bucket/key"), "600");
    for line in unsigned {
        let head = by_header.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
        let (answer, said) = f.send_raw(&head, b"").await;
        assert_refused(&answer, &said, 403, "AccessDenied", line);
        let more = format!("{line}\r\ncontent-length: 0\r\n");
        refused(&f, ("PUT", &by_query), &more, 403, "AccessDenied").await;
    }
    let without_host = by_header.replace("SignedHeaders=host;", "SignedHeaders=");
    let (answer, said) = f.send_raw(&without_host, b"").await;
    assert_refused(&answer, &said, 403, "AccessDenied", "host is not signed");
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn a_presigned_request_lives_from_one_second_to_seven_days() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"secret"), b"secret").await;
    let presigned = |expires: &str| f.signer.presigned(&Request::new("GET", "/bucket/key"), expires);
    for expires in ["0", "604801", "4294967296", "99999999999999999999", "-1", "1.5", "", "x", "+60"] {
        let code = "AuthorizationQueryParametersError";
        refused(&f, ("GET", &presigned(expires)), "", 400, code).await;
    }
    let good = presigned("604800");
    let longer = good.replace("X-Amz-Expires=604800", "X-Amz-Expires=604799");
    refused(&f, ("GET", &longer), "", 403, "SignatureDoesNotMatch").await;
    let twice = format!("{good}&X-Amz-Expires=604800");
    refused(&f, ("GET", &twice), "", 400, "AuthorizationQueryParametersError").await;
    let both = f.signer.head(&get("key")).split_once("\r\nauthorization: ").unwrap().1.to_owned();
    let both = format!("authorization: {}\r\n", both.trim_end());
    refused(&f, ("GET", &good), &both, 400, "InvalidArgument").await;
    refused(&f, ("GET", &format!("{good}&Signature=x")), "", 400, "InvalidArgument").await;
    let head = format!("GET {good} HTTP/1.1\r\nhost: {}\r\n\r\n", f.server.address());
    let (answer, said) = f.send_raw(&head, b"").await;
    assert_eq!((answer.status, said.as_str()), (200, "secret"));
    f.finish().await;
}

#[tokio::test]
async fn a_header_that_decides_is_not_there_twice() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"kept"), b"kept").await;
    let head = f
        .signer
        .head(&put("key", b"").header("x-amz-meta-a", "1").header("x-amz-copy-source", "/bucket/other"));
    for name in
        ["host", "authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-meta-a", "x-amz-copy-source"]
    {
        let line = head.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
        for (first, second) in
            [(line, line), (line, &*format!("{name}: other")), (&*format!("{name}: other"), line)]
        {
            let twice = head.replace(line, &format!("{first}\r\n{second}"));
            let (answer, said) = f.send_raw(&twice, b"").await;
            assert_refused(&answer, &said, 400, "InvalidRequest", &twice);
        }
    }
    assert_eq!(f.ok(&get("key"), b"").await, "kept");
    f.finish().await;
}

#[tokio::test]
async fn the_most_talkative_log_tells_no_signature_and_no_secret() {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_LOG__LEVEL", "trace,s3s=trace,terrace=trace");
    let f = Fixture::on(home.start_by(command));
    f.ok(&Request::new("PUT", "/bucket").body(b""), b"").await;
    let head = f.signer.head(&get("key"));
    let right = head.rsplit_once("Signature=").unwrap().1.trim().to_owned();
    let wrong = format!("{}{}", "0".repeat(8), &right[8..]);
    let (answer, said) = f.send_raw(&head.replace(&right, &wrong), b"").await;
    assert_refused(&answer, &said, 403, "SignatureDoesNotMatch", "forged");
    f.absent("key").await;
    let log = f.server.log();
    assert!(log.contains("DEBUG"), "it talks: {log}");
    assert!(!log.contains(&right) && !log.contains(SECRET_KEY), "{log}");
    f.finish().await;
}
