//! Payload forms and digests, each with bodies that are wrong.

use super::signer::{sha256, unsigned_chunks};
use super::*;
use crate::auth::{ChecksumSlot, checksum};
use terrace_store::object::Algorithm;

const DATA: &[u8] = b"123456789";
const CRC32: &str = "y/Q5Jg==";
const MD5: &str = "JfnnlDI7RTiF9RgfG2JNCw==";

/// A PUT with the length of its body.
fn put(headers: &[(&str, &str)], body: &[u8]) -> Request<Full<Bytes>> {
    let length = body.len().to_string();
    let mut parts = parts("PUT", "/b/k", &[headers, &[("content-length", &length)]].concat());
    EXAMPLE.sign(&mut parts);
    with_body(parts, body.to_vec())
}

/// A PUT of unsigned chunks as boto3 sends them over TLS: no content-length.
fn trailing(headers: &[(&str, &str)], length: usize, body: Vec<u8>) -> Request<Full<Bytes>> {
    let length = length.to_string();
    let fixed = [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", &length),
        ("transfer-encoding", "chunked"),
    ];
    let mut parts = parts("PUT", "/b/k", &[headers, &fixed].concat());
    EXAMPLE.sign(&mut parts);
    with_body(parts, body)
}

/// A PUT of signed chunks.
fn signed_chunks(
    chunks: &[&[u8]],
    trailer: Option<&str>,
    spoil: impl Fn(&mut Vec<u8>),
) -> Request<Full<Bytes>> {
    let length = chunks.concat().len().to_string();
    let form =
        format!("STREAMING-AWS4-HMAC-SHA256-PAYLOAD{}", if trailer.is_some() { "-TRAILER" } else { "" });
    let mut headers = vec![("x-amz-content-sha256", &*form), ("x-amz-decoded-content-length", &*length)];
    if trailer.is_some() {
        headers.push(("x-amz-trailer", "x-amz-checksum-crc32"));
    }
    let mut parts = parts("PUT", "/b/k", &headers);
    let seed = EXAMPLE.sign(&mut parts);
    let mut body = EXAMPLE.chunks(&seed, chunks, trailer);
    spoil(&mut body);
    with_body(parts, body)
}

async fn code(request: Request<Full<Bytes>>) -> String {
    match read(&guard(), request).await {
        Ok((_, body)) => format!("ok {}", String::from_utf8_lossy(&body)),
        Err(code) => code,
    }
}

#[tokio::test]
async fn a_hashed_body_is_verified() {
    let hash = sha256(DATA);
    let headers = [("x-amz-content-sha256", &*hash)];
    assert_eq!(code(put(&headers, DATA)).await, "ok 123456789");
    assert_eq!(code(put(&headers, b"123456780")).await, "400 XAmzContentSHA256Mismatch");
    assert_eq!(code(put(&headers, b"")).await, "400 XAmzContentSHA256Mismatch");
    assert_eq!(code(put(&[("x-amz-content-sha256", signer::EMPTY)], b"")).await, "ok ");
    assert_eq!(
        code(put(&[("x-amz-content-sha256", signer::EMPTY)], b"x")).await,
        "400 XAmzContentSHA256Mismatch"
    );
}

#[tokio::test]
async fn digests_in_headers_are_verified() {
    for (name, value, wanted) in [
        ("content-md5", MD5, "ok 123456789"),
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "400 BadDigest"),
        ("content-md5", "AAAA", "400 InvalidDigest"),
        ("content-md5", "", "400 InvalidDigest"),
        ("x-amz-checksum-crc32", CRC32, "ok 123456789"),
        ("x-amz-checksum-crc32", "AAAAAA==", "400 BadDigest"),
        ("x-amz-checksum-crc32", "AAAA", "400 InvalidRequest"),
        ("x-amz-checksum-md2", "AAAA", "400 InvalidRequest"),
    ] {
        assert_eq!(code(put(&[(name, value)], DATA)).await, wanted, "{name}: {value}");
    }
    assert_eq!(code(put(&[("content-md5", MD5)], b"")).await, "400 BadDigest");
    assert_eq!(code(put(&[("x-amz-checksum-crc32", "AAAAAA==")], b"")).await, "ok ");
}

#[tokio::test]
async fn the_checksum_slot_is_filled_when_the_body_ends() {
    for body in [DATA, b""] {
        let sum = if body.is_empty() { "AAAAAA==" } else { CRC32 };
        let (parts, _) = read(&guard(), put(&[("x-amz-checksum-crc32", sum)], body)).await.unwrap();
        assert_eq!(parts.headers["x-amz-checksum-crc32"], sum);
        let checksum = parts.extensions.get::<ChecksumSlot>().unwrap().get().unwrap();
        assert_eq!((checksum.algorithm, checksum::to_base64(checksum)), (Algorithm::Crc32, sum.to_owned()));
    }
    let (request, _) = guard().admit(put(&[("x-amz-checksum-crc32", CRC32)], DATA)).await.unwrap();
    assert_eq!(request.extensions().get::<ChecksumSlot>().unwrap().get(), None);
    let (request, _) = guard().admit(put(&[], DATA)).await.unwrap();
    assert!(request.extensions().get::<ChecksumSlot>().is_none());
}

#[tokio::test]
async fn a_checksum_in_the_query_is_not_looked_at() {
    let mut parts =
        parts("PUT", "/b/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", &[]);
    EXAMPLE.presign(&mut parts, "60");
    assert_eq!(code(with_body(parts, DATA)).await, "ok 123456789");
}

#[tokio::test]
async fn the_checksum_of_a_complete_is_that_of_the_object() {
    let mut parts =
        parts("POST", "/b/k?uploadId=1", &[("x-amz-checksum-crc32", "AAAAAA=="), ("content-md5", MD5)]);
    EXAMPLE.sign(&mut parts);
    assert_eq!(code(with_body(parts, DATA)).await, "ok 123456789");
}

#[tokio::test]
async fn a_trailing_checksum_is_verified() {
    let announced = ("x-amz-trailer", "x-amz-checksum-crc32");
    let framed = |trailer: &str| unsigned_chunks(&[b"12345", b"6789"], trailer);
    for (trailer, wanted) in [
        (format!("x-amz-checksum-crc32:{CRC32}\r\n"), "ok 123456789"),
        (format!("X-Amz-Checksum-CRC32: {CRC32} \r\n"), "ok 123456789"),
        ("x-amz-checksum-crc32:AAAAAA==\r\n".into(), "400 BadDigest"),
        ("x-amz-checksum-crc32:AAAA\r\n".into(), "400 InvalidRequest"),
        (String::new(), "400 MalformedTrailerError"),
        ("x-amz-checksum-sha1:AAAA\r\n".into(), "400 MalformedTrailerError"),
        ("garbage\r\n".into(), "400 MalformedTrailerError"),
        (
            format!("x-amz-checksum-crc32:{CRC32}\r\nx-amz-checksum-crc32:{CRC32}\r\n"),
            "400 MalformedTrailerError",
        ),
        (format!("x-amz-checksum-crc32:{CRC32}\r\nx-amz-meta-a:b\r\n"), "400 MalformedTrailerError"),
        ("x-amz-trailer-signature:00\r\n".into(), "400 MalformedTrailerError"),
        (format!("x-amz-checksum-crc32:{}\r\n", "A".repeat(500)), "400 InvalidRequest"),
    ] {
        assert_eq!(code(trailing(&[announced], 9, framed(&trailer))).await, wanted, "{trailer}");
    }
    let (parts, _) = read(
        &guard(),
        trailing(
            &[announced, ("content-encoding", "gzip,aws-chunked"), ("content-md5", MD5)],
            9,
            framed(&format!("x-amz-checksum-crc32:{CRC32}\r\n")),
        ),
    )
    .await
    .unwrap();
    assert_eq!(parts.headers["content-encoding"], "gzip");
    assert_eq!(parts.headers["content-length"], "9");
    assert!(["transfer-encoding", "x-amz-trailer"].iter().all(|name| !parts.headers.contains_key(*name)));
    assert!(parts.extensions.get::<ChecksumSlot>().unwrap().get().is_some());
}

#[tokio::test]
async fn an_empty_chunked_body_is_verified_before_it_is_handed_on() {
    let announced = ("x-amz-trailer", "x-amz-checksum-crc32");
    for (trailer, wanted) in [("AAAAAA==", "ok "), ("y/Q5Jg==", "400 BadDigest"), ("!", "400 InvalidRequest")]
    {
        let framed = unsigned_chunks(&[], &format!("x-amz-checksum-crc32:{trailer}\r\n"));
        let admitted = guard().admit(trailing(&[announced], 0, framed)).await;
        assert_eq!(admitted.map_or_else(refusal, |_| "ok ".into()), wanted);
    }
}

#[tokio::test]
async fn an_announced_trailer_is_one_known_checksum() {
    for value in ["x-amz-meta-a", "x-amz-checksum-crc32,x-amz-checksum-sha1", ""] {
        let request = trailing(&[("x-amz-trailer", value)], 9, unsigned_chunks(&[DATA], ""));
        assert_eq!(code(request).await, "400 InvalidRequest", "{value}");
    }
    assert_eq!(code(trailing(&[], 9, unsigned_chunks(&[DATA], ""))).await, "ok 123456789");
}

#[tokio::test]
async fn the_sum_of_the_chunks_is_the_decoded_length() {
    for (length, wanted) in [(9, "ok 123456789"), (8, "400 IncompleteBody"), (10, "400 IncompleteBody")] {
        assert_eq!(
            code(trailing(&[], length, unsigned_chunks(&[b"1234", b"56789"], ""))).await,
            wanted,
            "{length}"
        );
    }
    let mut parts = parts("PUT", "/b/k", &[("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")]);
    EXAMPLE.sign(&mut parts);
    assert_eq!(code(with_body(parts, unsigned_chunks(&[DATA], ""))).await, "411 MissingContentLength");
}

#[tokio::test]
async fn malformed_framing_is_refused() {
    for (framed, wanted) in [
        ("9\r\n123456789\r\n0\r\n\r\n", "ok 123456789"),
        ("09\r\n123456789\r\n000\r\n\r\n", "ok 123456789"),
        ("9\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("\r\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("x\r\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("+9\r\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("00000000000000009\r\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("9;chunk-signature=00\r\n123456789\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("9\r\n123456789X\r\n0\r\n\r\n", "400 InvalidRequest"),
        ("9\r\n1234567890\r\n\r\n", "400 InvalidRequest"),
        ("9\r\n123456789\r\n0\r\n\r\nX", "400 InvalidRequest"),
        ("9\r\n123456789\r\n0\r\n\r\n\r\n", "400 InvalidRequest"),
        ("9\r\n123456789\r\n1\r\nX\r\n0\r\n\r\n", "400 IncompleteBody"),
        ("ffffffffffffffff\r\n123456789\r\n0\r\n\r\n", "400 IncompleteBody"),
        ("8\r\n12345678\r\n0\r\n\r\n", "400 IncompleteBody"),
    ] {
        assert_eq!(code(trailing(&[], 9, framed.into())).await, wanted, "{framed:?}");
    }
    let endless = "1".repeat(100_000);
    assert_eq!(code(trailing(&[], 9, endless.into())).await, "400 InvalidRequest");
    let endless = format!("9\r\n123456789\r\n0\r\n{}", "\n\r".repeat(100));
    assert_eq!(code(trailing(&[], 9, endless.into())).await, "400 InvalidRequest");
}

#[tokio::test]
async fn signed_chunks_are_verified() {
    let chunks: [&[u8]; 2] = [b"12345", b"6789"];
    assert_eq!(code(signed_chunks(&chunks, None, |_| {})).await, "ok 123456789");
    assert_eq!(code(signed_chunks(&[], None, |_| {})).await, "ok ");
    let refused: [fn(&mut Vec<u8>); 3] =
        [|body| body[85] ^= 1, |body| body.truncate(body.len() - 1), |body| body.push(b'x')];
    let wanted = ["403 SignatureDoesNotMatch", "400 IncompleteBody", "400 InvalidRequest"];
    for (spoil, wanted) in refused.into_iter().zip(wanted) {
        assert_eq!(code(signed_chunks(&chunks, None, spoil)).await, wanted);
    }
    let unsigned = |body: &mut Vec<u8>| *body = unsigned_chunks(&[b"12345", b"6789"], "");
    assert_eq!(code(signed_chunks(&chunks, None, unsigned)).await, "400 InvalidRequest");
    let surprise =
        |body: &mut Vec<u8>| body.splice(body.len() - 2.., *b"x-amz-meta-a:b\r\n\r\n").for_each(drop);
    assert_eq!(code(signed_chunks(&chunks, None, surprise)).await, "400 InvalidRequest");
}

#[tokio::test]
async fn a_signed_chunk_is_limited_to_16_mib() {
    let mut parts = parts(
        "PUT",
        "/b/k",
        &[
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-decoded-content-length", "16777217"),
        ],
    );
    EXAMPLE.sign(&mut parts);
    let header = format!("1000001;chunk-signature={}\r\n", "0".repeat(64));
    assert_eq!(code(with_body(parts, header)).await, "400 InvalidChunkSizeError");
}

#[tokio::test]
async fn a_signed_trailer_is_verified() {
    let trailer = format!("x-amz-checksum-crc32:{CRC32}");
    assert_eq!(code(signed_chunks(&[DATA], Some(&trailer), |_| {})).await, "ok 123456789");
    let wrong = signed_chunks(&[DATA], Some("x-amz-checksum-crc32:AAAAAA=="), |_| {});
    assert_eq!(code(wrong).await, "400 BadDigest");
    let changed = signed_chunks(&[DATA], Some("x-amz-checksum-crc32:AAAAAA=="), |body| {
        let text = String::from_utf8(std::mem::take(body)).unwrap();
        *body = text.replace("AAAAAA==", CRC32).into_bytes();
    });
    assert_eq!(code(changed).await, "403 SignatureDoesNotMatch");
    let unsigned = signed_chunks(&[DATA], Some(&trailer), |body| {
        let at = body.windows(23).position(|window| window == b"x-amz-trailer-signature").unwrap();
        body.truncate(at);
        body.extend_from_slice(b"\r\n");
    });
    assert_eq!(code(unsigned).await, "400 IncompleteBody");
}

#[tokio::test]
async fn the_length_of_a_plain_body_is_known_and_kept() {
    let of = |headers: &[(&str, &str)]| {
        let mut parts = parts("PUT", "/b/k", headers);
        EXAMPLE.sign(&mut parts);
        parts
    };
    let pieces = || vec![Bytes::from_static(b"1234"), Bytes::new(), Bytes::from_static(b"56789")];
    for (length, wanted) in
        [("9", "ok"), ("10", "400 IncompleteBody"), ("8", "400 IncompleteBody"), ("x", "400 InvalidArgument")]
    {
        let read = read(&guard(), in_pieces(of(&[("content-length", length)]), pieces())).await;
        assert_eq!(read.map_or_else(|code| code, |_| "ok".into()), wanted, "{length}");
    }
    let unknown = read(&guard(), in_pieces(of(&[]), pieces())).await;
    assert_eq!(unknown.unwrap_err(), "411 MissingContentLength");
}
