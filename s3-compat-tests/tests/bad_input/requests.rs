//! Requests that are not requests, are not signed as they must be, or ask for what cannot be.

use s3_compat_tests::body;
use s3_compat_tests::sign::Request;

use super::{Fixture, MIB, assert_refused, get, put};

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_with_a_document_and_an_id() {
    let f = Fixture::new().await;
    let head = |more: &str| format!("GET / HTTP/1.1\r\nhost: x\r\n{more}\r\n");
    let tls = "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned();
    let too_large = (431, "RequestHeaderSectionTooLarge");
    for (bytes, (status, code)) in [
        ("GARBAGE\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("\0\0\0\0\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("GET  HTTP/1.1\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("G{T / HTTP/1.1\r\n\r\n".to_owned(), (400, "BadRequest")),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), (400, "BadRequest")),
        (tls, (400, "BadRequest")),
        (head("no colon\r\n"), (400, "BadRequest")),
        (head("content-length: -1\r\n"), (400, "BadRequest")),
        (head(&"x-many: 1\r\n".repeat(101)), too_large),
        (head(&format!("x-large: {}\r\n", "a".repeat(300_000))), too_large),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(300_000)), too_large),
    ] {
        let what = &bytes[..bytes.len().min(40)];
        let mut connection = f.connect().await;
        connection.send(bytes.as_bytes()).await.unwrap();
        let (answer, said) =
            connection.receive_text().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_refused(&answer, &said, status, code, what);
        assert!(said.contains(answer.header("x-amz-request-id").unwrap()), "{what}: {said}");
    }
    f.finish().await;
}

#[tokio::test]
async fn a_request_without_a_good_signature_learns_nothing() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"secret"), b"secret").await;
    let host = f.server.address().to_owned();
    for path in ["/bucket/key", "/bucket/absent", "/bucket", "/missing", "/"] {
        let (answer, said) = f.send_raw(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"), b"").await;
        assert_refused(&answer, &said, 403, "AccessDenied", path);
    }
    let head = f.signer.head(&get("key"));
    let tampered = [
        (head.replace("/bucket/key", "/bucket/kez"), "SignatureDoesNotMatch"),
        (head.replace("TERRACETESTACCESSKEY", "STRANGER"), "InvalidAccessKeyId"),
        (head.replace("\r\n\r\n", "\r\nx-amz-meta-unsigned: 1\r\n\r\n"), "AccessDenied"),
        (head.replace("/us-east-1/", "/eu-west-1/"), "AuthorizationHeaderMalformed"),
    ];
    for (head, code) in tampered {
        let (answer, said) = f.send_raw(&head, b"").await;
        assert!(said.contains(&format!("<Code>{code}</Code>")), "{code}: {} {said}", answer.status);
        assert!(matches!(answer.status, 400 | 403), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    f.finish().await;
}

#[tokio::test]
async fn a_range_that_cannot_be_is_refused_and_one_that_is_none_is_ignored() {
    let f = Fixture::new().await;
    for size in [1000, 2 * MIB] {
        let body = body::random(size, 1);
        f.ok(&put("key", &body), &body).await;
        let beyond = format!("bytes={size}-");
        for range in [
            beyond.as_str(),
            "bytes=99999999999-",
            "bytes=-0",
            "bytes=18446744073709551615-18446744073709551615",
        ] {
            f.refused(&get("key").header("range", range), b"", 416, "InvalidRange").await;
        }
        for range in ["lines=1-2", "bytes=", "bytes=a-b", "bytes", "bytes=--1"] {
            let (answer, _) = f.send(&get("key").header("range", range), b"").await;
            let length = answer.header("content-length").unwrap();
            assert_eq!((answer.status, length), (200, size.to_string().as_str()), "{range}");
        }
    }
    f.finish().await;
}

#[tokio::test]
async fn a_listing_with_arguments_that_cannot_be_is_refused() {
    let f = Fixture::new().await;
    for query in [
        "list-type=2&max-keys=-1",
        "list-type=2&max-keys=many",
        "encoding-type=rot13&list-type=2",
        "continuation-token=x&list-type=2",
    ] {
        f.refused(&Request::new("GET", "/bucket").query(query), b"", 400, "InvalidArgument").await;
    }
    let page = f.ok(&Request::new("GET", "/bucket").query("list-type=2&max-keys=5000"), b"").await;
    assert!(page.contains("<MaxKeys>1000</MaxKeys>"), "{page}");
    f.finish().await;
}

#[tokio::test]
async fn a_list_of_deletions_that_cannot_be_read_deletes_nothing() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"kept"), b"kept").await;
    let too_many = format!("<Delete>{}</Delete>", "<Object><Key>key</Key></Object>".repeat(1001));
    for list in ["<Delete>", "<Delete></Delete>", "<Delete><Object></Object></Delete>", &too_many] {
        let md5 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, *md5::compute(list));
        let request =
            Request::new("POST", "/bucket").query("delete=").body(list.as_bytes()).header("content-md5", md5);
        f.refused(&request, list.as_bytes(), 400, "MalformedXML").await;
    }
    let list = "<Delete><Object><Key>key</Key></Object></Delete>";
    let request = Request::new("POST", "/bucket").query("delete=").body(list.as_bytes());
    let request = request.header("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    f.refused(&request, list.as_bytes(), 400, "BadDigest").await;
    assert_eq!(f.ok(&get("key"), b"").await, "kept");
    f.finish().await;
}

#[tokio::test]
async fn a_copy_from_nowhere_is_refused() {
    let f = Fixture::new().await;
    for source in ["", "/", "bucket", "bucket/", "%ff"] {
        let request = Request::new("PUT", "/bucket/key").header("x-amz-copy-source", source).body(b"");
        let (answer, said) = f.send(&request, b"").await;
        assert_eq!(answer.status, 400, "{source:?}: {said}");
        assert!(said.contains("<Error>"), "{said}");
    }
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn metadata_beyond_2_kib_is_refused() {
    let f = Fixture::new().await;
    let request = put("key", b"body").header("x-amz-meta-a", "v".repeat(2048));
    f.refused(&request, b"body", 400, "MetadataTooLarge").await;
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn a_method_that_s3_does_not_know_is_refused() {
    let f = Fixture::new().await;
    for method in ["PATCH", "TRACE", "BREW"] {
        let (answer, said) = f.send(&Request::new(method, "/bucket/key"), b"").await;
        assert!((400..=501).contains(&answer.status), "{method}: {} {said}", answer.status);
        assert!(said.contains("<Error>"), "{method}: {said}");
    }
    f.finish().await;
}
