//! Bodies in `aws-chunked` coding that are not well formed.

use s3_compat_tests::body;
use s3_compat_tests::sign::Request;

use super::{Fixture, MIB, get};

/// A PUT of a chunked body, unsigned, with a checksum behind it.
fn chunked(decoded: usize, encoded: &[u8]) -> Request {
    let mut request = Request::new("PUT", "/bucket/key")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", decoded.to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32");
    request.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned();
    request.length = Some(encoded.len() as u64);
    request
}

/// The body in chunks of these sizes, and the trailer.
fn encode(body: &[u8], chunk: usize, trailer: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    for part in body.chunks(chunk) {
        encoded.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        encoded.extend_from_slice(part);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
    encoded
}

/// CRC-32 (IEEE 802.3) bit by bit: slow, and in no way that of the server.
fn crc32(body: &[u8]) -> String {
    let mut crc = u32::MAX;
    for byte in body {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    base64::Engine::encode(&base64::prelude::BASE64_STANDARD, (!crc).to_be_bytes())
}

fn trailer(body: &[u8]) -> String {
    format!("x-amz-checksum-crc32:{}\r\n", crc32(body))
}

#[tokio::test]
async fn a_well_formed_body_is_decoded() {
    let f = Fixture::new().await;
    for (size, chunk) in [(0, 1), (10, 3), (200_000, 65_536), (MIB + 100, 100_000)] {
        let body: Vec<u8> = body::random(size, 1).iter().map(|byte| byte % 64 + 32).collect();
        let encoded = encode(&body, chunk, &trailer(&body));
        f.ok(&chunked(size, &encoded), &encoded).await;
        assert_eq!(f.ok(&get("key"), b"").await.as_bytes(), body);
    }
    f.finish().await;
}

#[tokio::test]
async fn a_decoded_length_that_is_not_that_of_the_chunks_is_refused() {
    let f = Fixture::new().await;
    for size in [1000, 2 * MIB] {
        let body = body::random(size, 1);
        let encoded = encode(&body, 65_536, &trailer(&body));
        for said in [size - 1, size + 1, 0] {
            f.refused(&chunked(said, &encoded), &encoded, 400, "IncompleteBody").await;
        }
        f.absent("key").await;
    }
    f.finish().await;
}

#[tokio::test]
async fn a_wrong_checksum_behind_the_body_is_refused() {
    let f = Fixture::new().await;
    for size in [0, 1000, 2 * MIB] {
        let body = body::random(size, 1);
        let encoded = encode(&body, 65_536, "x-amz-checksum-crc32:q83vEg==\r\n");
        f.refused(&chunked(size, &encoded), &encoded, 400, "BadDigest").await;
        f.absent("key").await;
    }
    f.finish().await;
}

#[tokio::test]
async fn chunks_that_cannot_be_read_are_refused() {
    let f = Fixture::new().await;
    let body = b"0123456789";
    let good = encode(body, 10, &trailer(body));
    let broken: [&[u8]; 6] = [
        b"zz\r\n0123456789\r\n0\r\n\r\n",
        b"a\r\n0123456789XX0\r\n\r\n",
        b"-a\r\n0123456789\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n0123456789\r\n0\r\n\r\n",
        &good[..good.len() / 2],
        b"0123456789",
    ];
    for encoded in broken {
        let (answer, said) = f.send(&chunked(10, encoded), encoded).await;
        assert_eq!(answer.status, 400, "{}: {said}", String::from_utf8_lossy(encoded));
        assert!(said.contains("<Error>"), "{said}");
        f.absent("key").await;
    }
    f.finish().await;
}

#[tokio::test]
async fn a_signed_chunk_with_a_wrong_signature_is_refused() {
    let f = Fixture::new().await;
    for size in [1000, 2 * MIB] {
        let body = body::random(size, 1);
        let signature = "0".repeat(64);
        let mut encoded = format!("{size:x};chunk-signature={signature}\r\n").into_bytes();
        encoded.extend_from_slice(&body);
        encoded.extend_from_slice(format!("\r\n0;chunk-signature={signature}\r\n\r\n").as_bytes());
        let mut request =
            Request::new("PUT", "/bucket/key").header("x-amz-decoded-content-length", size.to_string());
        request.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned();
        request.length = Some(encoded.len() as u64);
        f.refused(&request, &encoded, 403, "SignatureDoesNotMatch").await;
        f.absent("key").await;
    }
    f.finish().await;
}
