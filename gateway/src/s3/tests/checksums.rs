//! Checksums that the guard verified, and bodies that it did not let through.

use bytes::Bytes;
use futures::stream;
use http::Extensions;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::Body;

use super::{Answer, Client};
use crate::auth::{BodyRefusal, ChecksumSlot, checksum};
use terrace_store::object::Algorithm;

/// CRC-32 of `123456789`.
const CRC: &str = "y/Q5Jg==";
/// CRC-32 of nothing but the CRC above: the composite of an upload of that one part.
const COMPOSITE: &str = "7kxlUA==";

/// Sends a body as the guard hands it on: with a slot that is filled when the body ends.
async fn put_verified(client: &Client, uri: &str) -> Answer {
    let slot = ChecksumSlot::default();
    let mut extensions = Extensions::new();
    extensions.insert(slot.clone());
    let ended = stream::once(async move {
        slot.set(checksum::from_base64(Algorithm::Crc32, CRC.as_bytes()).unwrap()).unwrap();
        Ok::<_, BodyRefusal>(Frame::data(Bytes::from_static(b"123456789")))
    });
    let body = Body::http_body_unsync(StreamBody::new(Box::pin(ended)));
    client.send_body(("PUT", uri), &[("content-length", "9")], extensions, body).await
}

#[tokio::test]
async fn a_verified_checksum_is_stored_and_shown_for_the_whole_object_when_asked() {
    let client = Client::with_bucket().await;
    let put = put_verified(&client, "/bkt/k").await;
    assert_eq!((put.status.as_u16(), put.header("x-amz-checksum-crc32")), (200, CRC));
    for mode in ["ENABLED", "enabled"] {
        for method in ["GET", "HEAD"] {
            let whole = client.send(method, "/bkt/k", &[("x-amz-checksum-mode", mode)], "").await;
            assert_eq!(whole.header("x-amz-checksum-crc32"), CRC);
            assert_eq!(whole.header("x-amz-checksum-type"), "FULL_OBJECT");
            let headers = [("x-amz-checksum-mode", mode), ("range", "bytes=0-8")];
            let part = client.send(method, "/bkt/k", &headers, "").await;
            assert_eq!((part.status.as_u16(), part.header("x-amz-checksum-crc32")), (206, ""));
        }
    }
    assert_eq!(client.get("/bkt/k", &[]).await.header("x-amz-checksum-crc32"), "");
    assert_eq!(client.get("/bkt?list-type=2", &[]).await.one("ChecksumAlgorithm"), "CRC32");
    let copied = client.put("/bkt/copy", &[("x-amz-copy-source", "bkt/k")], "").await;
    assert_eq!(copied.one("ChecksumCRC32"), CRC);
    let attributes = client.get("/bkt/copy?attributes", &[("x-amz-object-attributes", "Checksum")]).await;
    assert_eq!(
        (attributes.one("ChecksumCRC32"), attributes.one("ChecksumType")),
        (CRC.into(), "FULL_OBJECT".into())
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_answers_why_and_leaves_nothing() {
    let client = Client::with_bucket().await;
    for (refusal, status, code) in [
        (BodyRefusal::BadDigest { what: "Content-MD5" }, 400, "BadDigest"),
        (BodyRefusal::ContentSha256Mismatch, 400, "XAmzContentSHA256Mismatch"),
        (BodyRefusal::IncompleteBody { source: None }, 400, "IncompleteBody"),
    ] {
        for large in [false, true] {
            let length = if large { 3 << 20 } else { 9 };
            let chunks = [Ok(Frame::data(Bytes::from(vec![b'x'; length - 1]))), Err(refusal.clone())];
            let body = Body::http_body(StreamBody::new(stream::iter(chunks)));
            let length = length.to_string();
            let headers = [("content-length", length.as_str())];
            let answer = client.send_body(("PUT", "/bkt/k"), &headers, Extensions::new(), body).await;
            answer.refused(status, code);
            assert_eq!(client.get("/bkt/k", &[]).await.status, 404);
        }
    }
}

#[tokio::test]
async fn a_checksum_over_an_upload_is_proved_from_its_parts() {
    let client = Client::with_bucket().await;
    for (header, kind, status) in [
        (CRC, "FULL_OBJECT", 200),
        (COMPOSITE, "COMPOSITE", 200),
        (&format!("{COMPOSITE}-1"), "", 200),
        (COMPOSITE, "FULL_OBJECT", 400),
        ("AAAAAA==", "", 400),
    ] {
        let id = client
            .send("POST", "/bkt/k?uploads", &[("x-amz-checksum-algorithm", "CRC32")], "")
            .await
            .one("UploadId");
        let part = put_verified(&client, &format!("/bkt/k?partNumber=1&uploadId={id}")).await;
        assert_eq!(part.header("x-amz-checksum-crc32"), CRC);
        let list = format!(
            "<CompleteMultipartUpload><Part><ETag>{}</ETag><PartNumber>1</PartNumber><ChecksumCRC32>{CRC}</ChecksumCRC32></Part></CompleteMultipartUpload>",
            part.header("etag")
        );
        let headers = [("x-amz-checksum-crc32", header), ("x-amz-checksum-type", kind)];
        let done = client.send("POST", &format!("/bkt/k?uploadId={id}"), &headers, list.clone()).await;
        assert_eq!(done.status.as_u16(), status, "{header} {kind}: {}", done.text());
        if status == 200 {
            assert!(done.one("ChecksumCRC32").starts_with(header), "{}", done.text());
            let again = client.send("POST", &format!("/bkt/k?uploadId={id}"), &headers, list).await;
            assert_eq!(again.one("ETag"), done.one("ETag"));
        } else {
            done.refused(400, "BadDigest");
        }
    }
}
