//! Checksums that the guard verified, and bodies that it did not let through.

use bytes::Bytes;
use futures::stream;
use http::Extensions;
use http_body::Frame;
use http_body_util::StreamBody;
use s3s::Body;

use super::{Answer, Client};
use crate::auth::{BodyRefusal, ChecksumSlot, checksum};
use terrace_store::Settings;
use terrace_store::digest::Hasher;
use terrace_store::object::{Algorithm, Checksum, ETagMode};

/// CRC-32 of `123456789`.
const CRC: &str = "y/Q5Jg==";
/// CRC-32 of nothing but the CRC above: the composite of an upload of that one part.
const COMPOSITE: &str = "7kxlUA==";
const BODY: &[u8] = b"123456789";

fn sum(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Sends a body as the guard hands it on: with a slot that is filled when the body ends.
async fn put_verified(client: &Client, uri: &str, algorithm: Algorithm, bytes: &'static [u8]) -> Answer {
    let slot = ChecksumSlot::default();
    let mut extensions = Extensions::new();
    extensions.insert(slot.clone());
    let ended = stream::once(async move {
        slot.set(sum(algorithm, bytes)).unwrap();
        Ok::<_, BodyRefusal>(Frame::data(Bytes::from_static(bytes)))
    });
    let body = Body::http_body_unsync(StreamBody::new(Box::pin(ended)));
    let length = bytes.len().to_string();
    client.send_body(("PUT", uri), &[("content-length", &length)], extensions, body).await
}

#[tokio::test]
async fn a_verified_checksum_is_stored_and_shown_for_the_whole_object_when_asked() {
    let client = Client::with_bucket().await;
    let put = put_verified(&client, "/bkt/k", Algorithm::Crc32, BODY).await;
    assert_eq!((put.status.as_u16(), put.header("x-amz-checksum-crc32")), (200, CRC));
    assert_eq!(put.header("x-amz-checksum-type"), "FULL_OBJECT");
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
    for version in ["2", "1"] {
        let listing = client.get(&format!("/bkt?list-type={version}"), &[]).await;
        let shown = (listing.one("ChecksumAlgorithm"), listing.one("ChecksumType"));
        assert_eq!(shown, ("CRC32".into(), "FULL_OBJECT".into()));
    }
    let copied = client.put("/bkt/copy", &[("x-amz-copy-source", "bkt/k")], "").await;
    assert_eq!((copied.one("ChecksumCRC32"), copied.one("ChecksumType")), (CRC.into(), "FULL_OBJECT".into()));
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

/// An open upload with one part, and its list.
async fn upload(client: &Client, headers: &[(&str, &str)], algorithm: Algorithm) -> (String, String) {
    let created = client.send("POST", "/bkt/k?uploads", headers, "").await;
    assert_eq!(created.status, 200, "{}", created.text());
    let id = created.one("UploadId");
    let part = put_verified(client, &format!("/bkt/k?partNumber=1&uploadId={id}"), algorithm, BODY).await;
    let name = checksum::header(algorithm);
    let value = part.header(name);
    assert_eq!(value, checksum::to_base64(&sum(algorithm, BODY)), "{}", part.text());
    assert_eq!(part.header("x-amz-checksum-type"), "", "a part has none");
    let element = crate::s3::translate::checksum::element(algorithm);
    let list = format!(
        "<CompleteMultipartUpload><Part><ETag>{}</ETag><PartNumber>1</PartNumber><{element}>{value}</{element}></Part></CompleteMultipartUpload>",
        part.header("etag")
    );
    (format!("/bkt/k?uploadId={id}"), list)
}

#[tokio::test]
async fn a_checksum_over_an_upload_is_proved_from_its_parts() {
    let client = Client::with_bucket().await;
    for (algorithm, named, given, kind, outcome) in [
        ("CRC32", "FULL_OBJECT", CRC, "FULL_OBJECT", ""),
        ("CRC32", "FULL_OBJECT", CRC, "", ""),
        ("CRC32", "", COMPOSITE, "COMPOSITE", ""),
        ("CRC32", "", &format!("{COMPOSITE}-1"), "", ""),
        ("crc32", "", COMPOSITE, "", ""),
        ("", "", CRC, "", ""),
        ("", "", CRC, "FULL_OBJECT", ""),
        ("", "", &format!("{COMPOSITE}-1"), "", ""),
        ("CRC32", "FULL_OBJECT", "AAAAAA==", "", "BadDigest"),
        ("CRC32", "", "AAAAAA==", "", "BadDigest"),
        ("CRC32", "", &format!("{COMPOSITE}-2"), "", "BadDigest"),
        ("CRC32", "FULL_OBJECT", COMPOSITE, "COMPOSITE", "InvalidRequest"),
        ("CRC32", "", CRC, "FULL_OBJECT", "InvalidRequest"),
        ("CRC32", "", "CRC", "", "InvalidRequest"),
        ("CRC32", "", CRC, "SOME_OBJECT", "InvalidRequest"),
    ] {
        let create = [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", named)];
        let create: Vec<_> = create.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let (uri, list) = upload(&client, &create, Algorithm::Crc32).await;
        let headers = [("x-amz-checksum-crc32", given), ("x-amz-checksum-type", kind)];
        let done = client.send("POST", &uri, &headers, list.clone()).await;
        if !outcome.is_empty() {
            done.refused(400, outcome);
            assert_eq!(client.get("/bkt/k", &[]).await.status, 404);
            continue;
        }
        assert_eq!(done.status, 200, "{given} {kind}: {}", done.text());
        assert!(done.one("ChecksumCRC32").starts_with(given), "{}", done.text());
        let again = client.send("POST", &uri, &headers, list).await;
        assert_eq!(again.text(), done.text(), "a repeated complete answers the same");
        let head = client.send("HEAD", "/bkt/k", &[("x-amz-checksum-mode", "ENABLED")], "").await;
        assert_eq!(head.header("x-amz-checksum-crc32"), done.one("ChecksumCRC32"));
        assert_eq!(head.header("x-amz-checksum-type"), done.one("ChecksumType"));
        assert_eq!(client.send("DELETE", "/bkt/k", &[], "").await.status, 204);
    }
}

#[tokio::test]
async fn a_composite_checksum_is_shown_with_its_type_and_its_number_of_parts() {
    let client = Client::with_bucket().await;
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Sha1, Algorithm::Sha256] {
        let name = crate::s3::translate::checksum::name(algorithm);
        let created =
            client.send("POST", "/bkt/other?uploads", &[("x-amz-checksum-algorithm", name)], "").await;
        assert_eq!(created.header("x-amz-checksum-algorithm"), name);
        assert_eq!(created.header("x-amz-checksum-type"), "COMPOSITE");
        let (uri, list) = upload(&client, &[("x-amz-checksum-algorithm", name)], algorithm).await;
        for answer in [client.get(&uri, &[]).await, client.get("/bkt?uploads&prefix=k", &[]).await] {
            let shown = (answer.one("ChecksumAlgorithm"), answer.one("ChecksumType"));
            assert_eq!(shown, (name.into(), "COMPOSITE".into()), "{}", answer.text());
        }
        let done = client.send("POST", &uri, &[], list).await;
        let value = checksum::to_base64(&sum(algorithm, &sum(algorithm, BODY).value));
        let element = crate::s3::translate::checksum::element(algorithm);
        assert_eq!(done.one(element), format!("{value}-1"));
        assert_eq!(done.one("ChecksumType"), "COMPOSITE");
        let header = checksum::header(algorithm);
        let get = client.get("/bkt/k", &[("x-amz-checksum-mode", "ENABLED")]).await;
        assert_eq!(get.header(header), format!("{value}-1"));
        assert_eq!(get.header("x-amz-checksum-type"), "COMPOSITE");
        let own = checksum::to_base64(&sum(algorithm, BODY));
        let (mode, range) = (("x-amz-checksum-mode", "ENABLED"), ("range", "bytes=0-8"));
        for (uri, headers, shown) in [
            ("/bkt/k?partNumber=1", &[mode][..], (own.as_str(), "COMPOSITE")),
            ("/bkt/k?partNumber=1", &[], ("", "")),
            ("/bkt/k", &[mode, range], ("", "")),
        ] {
            let part = client.get(uri, headers).await;
            assert_eq!((part.status.as_u16(), &part.body[..]), (206, BODY));
            assert_eq!((part.header(header), part.header("x-amz-checksum-type")), shown, "{uri}");
        }
        let asked = [("x-amz-object-attributes", "Checksum,ObjectParts")];
        let attributes = client.get("/bkt/k?attributes", &asked).await;
        let sums = [value, checksum::to_base64(&sum(algorithm, BODY))];
        assert_eq!(
            attributes.all(element),
            sums,
            "of the whole without its number of parts, then of the part"
        );
        assert_eq!(attributes.one("ChecksumType"), "COMPOSITE");
        assert_eq!(client.get("/bkt?list-type=2", &[]).await.one("ChecksumType"), "COMPOSITE");
    }
}

/// boto3 gives each part's checksum though the upload named no algorithm.
#[tokio::test]
async fn parts_of_an_upload_without_an_algorithm_may_be_listed_with_their_checksums() {
    let client = Client::with_bucket().await;
    for (algorithm, kind) in
        [(Algorithm::Crc32, "FULL_OBJECT"), (Algorithm::Crc64Nvme, "FULL_OBJECT"), (Algorithm::Sha256, "")]
    {
        let (uri, list) = upload(&client, &[], algorithm).await;
        let done = client.send("POST", &uri, &[], list).await;
        assert_eq!((done.status.as_u16(), done.one("ChecksumType").as_str()), (200, kind), "{}", done.text());
    }
}

#[tokio::test]
async fn a_completion_with_a_wrong_checksum_or_size_is_refused() {
    let client = Client::with_bucket().await;
    let (uri, list) = upload(&client, &[("x-amz-checksum-algorithm", "CRC32")], Algorithm::Crc32).await;
    let wrong = list.replace(CRC, "AAAAAA==");
    client.send("POST", &uri, &[], wrong).await.refused(400, "InvalidPart");
    let other = list.replace("ChecksumCRC32", "ChecksumCRC32C");
    client.send("POST", &uri, &[], other).await.refused(400, "InvalidPart");
    let without = list.replace(&format!("<ChecksumCRC32>{CRC}</ChecksumCRC32>"), "");
    client.send("POST", &uri, &[], without).await.refused(400, "InvalidRequest");
    for size in ["8", "10", "-1"] {
        let refused = client.send("POST", &uri, &[("x-amz-mp-object-size", size)], list.clone()).await;
        refused.refused(400, "InvalidRequest");
    }
    let done = client.send("POST", &uri, &[("x-amz-mp-object-size", "9")], list).await;
    assert_eq!(done.status, 200, "{}", done.text());
}

#[tokio::test]
async fn uploads_that_s3_would_refuse_are_refused() {
    let client = Client::with_bucket().await;
    for (algorithm, kind) in [
        ("SHA256", "FULL_OBJECT"),
        ("SHA1", "FULL_OBJECT"),
        ("CRC64NVME", "COMPOSITE"),
        ("", "FULL_OBJECT"),
        ("CRC32", "SOME_OBJECT"),
        ("MD5", ""),
    ] {
        let headers = [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)];
        let headers: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        client.send("POST", "/bkt/k?uploads", &headers, "").await.refused(400, "InvalidRequest");
    }
    let created = client.send("POST", "/bkt/k?uploads", &[("x-amz-checksum-algorithm", "CRC32")], "").await;
    let uri = format!("/bkt/k?partNumber=1&uploadId={}", created.one("UploadId"));
    put_verified(&client, &uri, Algorithm::Sha256, BODY).await.refused(400, "InvalidRequest");
    client.send("PUT", &uri, &[], "x").await.refused(400, "InvalidRequest");
}

#[tokio::test]
async fn a_copy_may_ask_for_another_checksum_and_a_copied_part_has_that_of_its_upload() {
    let client = Client::with_bucket().await;
    put_verified(&client, "/bkt/k", Algorithm::Crc32, BODY).await;
    let headers = [("x-amz-copy-source", "bkt/k"), ("x-amz-checksum-algorithm", "SHA256")];
    let sha = checksum::to_base64(&sum(Algorithm::Sha256, BODY));
    let copied = client.put("/bkt/copy", &headers, "").await;
    assert_eq!((copied.one("ChecksumSHA256"), copied.one("ChecksumCRC32")), (sha.clone(), String::new()));
    let get = client.get("/bkt/copy", &[("x-amz-checksum-mode", "ENABLED")]).await;
    assert_eq!(get.header("x-amz-checksum-sha256"), sha);
    let created = client.send("POST", "/bkt/m?uploads", &[("x-amz-checksum-algorithm", "SHA256")], "").await;
    let uri = format!("/bkt/m?partNumber=1&uploadId={}", created.one("UploadId"));
    let part = client.put(&uri, &[("x-amz-copy-source", "bkt/k")], "").await;
    assert_eq!(part.one("ChecksumSHA256"), sha);
}

#[tokio::test]
async fn etags_are_md5s_where_the_operator_wants_them() {
    let client = Client::with_bucket_over(Settings { etag: ETagMode::Md5, ..Settings::default() }).await;
    let md5 = "\"25f9e794323b453885f5181f1b624d0b\"";
    let put = client.put("/bkt/k", &[], BODY).await;
    assert_eq!(put.header("etag"), md5);
    let sent = client.put("/bkt/k", &[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], BODY).await;
    assert_eq!(sent.header("etag"), md5);
    for method in ["GET", "HEAD"] {
        assert_eq!(client.send(method, "/bkt/k", &[("if-match", md5)], "").await.header("etag"), md5);
        assert_eq!(client.send(method, "/bkt/k", &[("if-none-match", md5)], "").await.status, 304);
    }
    assert_eq!(client.get("/bkt?list-type=2", &[]).await.one("ETag"), md5);
    let attributes = client.get("/bkt/k?attributes", &[("x-amz-object-attributes", "ETag")]).await;
    assert_eq!(attributes.one("ETag"), md5.trim_matches('"'));
    let copied = client.put("/bkt/copy", &[("x-amz-copy-source", "bkt/k")], "").await;
    assert_eq!(copied.one("ETag"), md5);
    let other = [("if-match", "\"25f9e794323b453885f5181f1b624d0c\"")];
    client.send("PUT", "/bkt/k", &other, "x").await.refused(412, "PreconditionFailed");
    client.put("/bkt/k", &[("if-match", md5)], "x").await;
    let (uri, list) = upload(&client, &[], Algorithm::Crc32).await;
    assert!(list.contains(md5), "{list}");
    let done = client.send("POST", &uri, &[], list).await;
    // MD5 of the 16 bytes of the MD5 above.
    assert_eq!(done.one("ETag"), "\"5927c5d64d94a5786f90003aa26d0159-1\"");
    assert_eq!(client.get("/bkt/k", &[]).await.header("etag"), done.one("ETag"));
}
