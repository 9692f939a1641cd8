//! Bodies that are not what their headers say.

use std::io::ErrorKind;

use s3_compat_tests::body;
use s3_compat_tests::sign::{Request, sha256};

use super::{Fixture, MIB, assert_refused, get, put};

/// Inline, on the border, and large.
const SIZES: [usize; 3] = [1000, MIB, 3 * MIB];

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let f = Fixture::new().await;
    for size in SIZES {
        for (half_closed, sent) in [(true, size / 2), (false, size / 2), (true, 0), (false, size - 1)] {
            let body = body::random(size, 1);
            let mut connection = f.connect().await;
            connection.send_request(&f.signer.head(&put("key", &body)), &body[..sent]).await.unwrap();
            if half_closed {
                connection.end_sending().await.unwrap();
                match connection.receive_text().await {
                    Ok((answer, said)) => {
                        assert_refused(&answer, &said, 400, "IncompleteBody", "half a body")
                    }
                    Err(error) => {
                        let ended = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                        assert!(ended.contains(&error.kind()), "{error}");
                    }
                }
            }
            drop(connection);
            f.absent("key").await;
        }
    }
    f.finish().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_old_object() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"old"), b"old").await;
    for size in SIZES {
        let body = body::random(size, 1);
        let mut connection = f.connect().await;
        connection.send_request(&f.signer.head(&put("key", &body)), &body[..size / 2]).await.unwrap();
        drop(connection);
        assert_eq!(f.ok(&get("key"), b"").await, "old");
    }
    f.finish().await;
}

#[tokio::test]
async fn bytes_behind_the_length_are_not_part_of_the_body() {
    let f = Fixture::new().await;
    let mut connection = f.connect().await;
    connection
        .send_request(&f.signer.head(&put("key", b"0123456789")), b"0123456789surplus\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(connection.receive_text().await.unwrap().0.status, 200);
    // The rest is the next request, and nonsense.
    if let Ok((answer, _)) = connection.receive_text().await {
        assert_eq!(answer.status, 400);
    }
    assert_eq!(f.ok(&get("key"), b"").await, "0123456789");
    f.finish().await;
}

#[tokio::test]
async fn a_body_beyond_5_gib_is_refused_before_it_is_sent() {
    let f = Fixture::new().await;
    let mut request = put("key", b"");
    (request.payload, request.length) = ("UNSIGNED-PAYLOAD".to_owned(), Some(5 * 1024 * 1024 * 1024 + 1));
    f.refused(&request, b"", 400, "EntityTooLarge").await;
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn a_length_that_is_none_is_refused() {
    let f = Fixture::new().await;
    let mut request = put("key", b"");
    (request.payload, request.length) = ("UNSIGNED-PAYLOAD".to_owned(), None);
    let head = f.signer.head(&request);
    let (answer, said) = f.send_raw(&head, b"").await;
    assert_refused(&answer, &said, 411, "MissingContentLength", "no length");
    for length in ["-1", "ten", "1e3", "18446744073709551616", "3\r\ncontent-length: 4"] {
        let head = head.replace("\r\n\r\n", &format!("\r\ncontent-length: {length}\r\n\r\n"));
        assert_eq!(f.send_raw(&head, b"").await.0.status, 400, "content-length: {length}");
    }
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn another_body_than_the_signed_one_is_refused() {
    let f = Fixture::new().await;
    for size in SIZES {
        let mut other = body::random(size, 1);
        let request = put("key", &other);
        other[size - 1] ^= 1;
        f.refused(&request, &other, 400, "XAmzContentSHA256Mismatch").await;
        f.absent("key").await;
    }
    f.finish().await;
}

#[tokio::test]
async fn a_content_md5_is_verified() {
    let f = Fixture::new().await;
    let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
    for size in SIZES {
        let body = body::random(size, 1);
        let good = base64(&*md5::compute(&body));
        let bad = base64(&*md5::compute(b"another"));
        f.refused(&put("key", &body).header("content-md5", bad), &body, 400, "BadDigest").await;
        for malformed in ["nonsense", "", "AAAA", &sha256(b"x")] {
            f.refused(&put("key", &body).header("content-md5", malformed), &body, 400, "InvalidDigest").await;
        }
        f.absent("key").await;
        f.ok(&put("key", &body).header("content-md5", good), &body).await;
        f.ok(&Request::new("DELETE", "/bucket/key"), b"").await;
    }
    f.finish().await;
}

#[tokio::test]
async fn a_checksum_in_a_header_is_verified() {
    let f = Fixture::new().await;
    let names = [
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("x-amz-checksum-crc32c", "AAAAAA=="),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
        ("x-amz-checksum-sha1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ];
    for size in SIZES {
        let body = body::random(size, 1);
        for (name, wrong) in names {
            f.refused(&put("key", &body).header(name, wrong), &body, 400, "BadDigest").await;
            f.refused(&put("key", &body).header(name, "not base64!"), &body, 400, "InvalidRequest").await;
        }
        f.absent("key").await;
    }
    f.finish().await;
}
