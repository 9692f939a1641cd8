//! Bodies in the coding `aws-chunked`, which is of the wire and no part of what is stored, in every form that clients send.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, checksum};
use s3_compat_tests::body;
use s3_compat_tests::sign::{Request, Signer};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::{Fixture, element};

/// How a body is chunked.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// Signed chunks (restic, kopia, Java 1, Hadoop).
    Signed,
    /// Signed chunks with a signed checksum behind them (Java 2).
    SignedTrailer,
    /// Chunks that nobody signed, and a checksum behind them (Python and aws-cli over https, Node, Arrow).
    Trailer,
    /// The same in the chunks of HTTP, without a length.
    HttpChunked,
}

const FORMS: [Form; 4] = [Form::Signed, Form::SignedTrailer, Form::Trailer, Form::HttpChunked];

/// Name and value of each checksum of a body that may stand behind it.
fn checksums(body: &[u8]) -> [(&'static str, String); 5] {
    let crc = |algorithm, width: usize| {
        BASE64_STANDARD.encode(&checksum(algorithm, body).to_be_bytes()[8 - width..])
    };
    [
        ("x-amz-checksum-crc32", crc(CrcAlgorithm::Crc32IsoHdlc, 4)),
        ("x-amz-checksum-crc32c", crc(CrcAlgorithm::Crc32Iscsi, 4)),
        ("x-amz-checksum-crc64nvme", crc(CrcAlgorithm::Crc64Nvme, 8)),
        ("x-amz-checksum-sha1", BASE64_STANDARD.encode(Sha1::digest(body))),
        ("x-amz-checksum-sha256", BASE64_STANDARD.encode(Sha256::digest(body))),
    ]
}

/// A request with this body, chunked in this form, and with this checksum where one goes along.
fn chunked(
    signer: &Signer,
    request: Request,
    form: Form,
    body: &[u8],
    (name, value): (&'static str, &str),
) -> (String, Vec<u8>) {
    const CHUNK: usize = 65_536;
    match form {
        Form::Signed => return signer.in_chunks(request, body, CHUNK, None),
        Form::SignedTrailer => return signer.in_chunks(request, body, CHUNK, Some((name, value))),
        Form::Trailer | Form::HttpChunked => {}
    }
    let mut encoded = Vec::new();
    for chunk in body.chunks(CHUNK) {
        encoded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        encoded.extend_from_slice(chunk);
        encoded.extend_from_slice(b"\r\n");
    }
    encoded.extend_from_slice(format!("0\r\n{name}:{value}\r\n\r\n").as_bytes());
    let mut request = request.header("x-amz-trailer", name);
    if !request.headers.iter().any(|(name, _)| *name == "x-amz-decoded-content-length") {
        request = request.header("x-amz-decoded-content-length", body.len().to_string());
    }
    request.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned();
    if let Form::Trailer = form {
        request.length = Some(encoded.len() as u64);
        return (signer.head(&request), encoded);
    }
    let head = signer.head(&request).replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut sent = Vec::new();
    for chunk in encoded.chunks(10_000) {
        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(b"0\r\n\r\n");
    (head, sent)
}

/// A body that is text, so that it can be compared as it comes.
fn text(size: usize) -> Vec<u8> {
    body::random(size, 1).iter().map(|byte| byte % 64 + 32).collect()
}

#[tokio::test]
async fn the_coding_of_the_wire_is_not_stored() {
    let mut f = Fixture::new().await;
    for size in [0, 70_000, 2 << 20] {
        let body = text(size);
        let [(name, value), ..] = checksums(&body);
        for form in FORMS {
            for (sent, stored) in [
                (None, None),
                (Some("aws-chunked"), None),
                (Some("gzip,aws-chunked"), Some("gzip")),
                (Some("aws-chunked,gzip"), Some("gzip")),
                (Some("gzip, br, aws-chunked"), Some("gzip, br")),
            ] {
                let mut request = Request::new("PUT", "/bucket/key");
                if let Some(coding) = sent {
                    request = request.header("content-encoding", coding);
                }
                let (head, encoded) = chunked(&f.signer, request, form, &body, (name, &value));
                let (answer, said) = f.send_raw(&head, &encoded).await;
                assert_eq!(answer.status, 200, "{form:?} {size} {sent:?}: {said}");
                for method in ["GET", "HEAD"] {
                    let (answer, back) = f.send(&Request::new(method, "/bucket/key"), b"").await;
                    let coding = answer.header("content-encoding").map(|coding| coding.replace(", ", ","));
                    assert_eq!(coding, stored.map(|coding| coding.replace(", ", ",")), "{form:?} {sent:?}");
                    assert!(method == "HEAD" || back.as_bytes() == body, "{form:?} {size} {sent:?}");
                }
            }
        }
    }
    f.finish();
}

#[tokio::test]
async fn the_coding_of_the_wire_is_not_stored_by_uploads_and_copies() {
    let mut f = Fixture::new().await;
    let create = Request::new("POST", "/bucket/parts").query("uploads=");
    let create = create.header("content-encoding", "gzip,aws-chunked").body(b"");
    let said = f.ok(&create, b"").await;
    let id = element(&said, "UploadId").to_owned();
    let body = text(70_000);
    let part = Request::new("PUT", "/bucket/parts").query(&format!("partNumber=1&uploadId={id}"));
    let part = part.header("content-encoding", "aws-chunked");
    let (head, encoded) = f.signer.in_chunks(part, &body, 65_536, None);
    let (answer, said) = f.send_raw(&head, &encoded).await;
    assert_eq!(answer.status, 200, "{said}");
    let etag = answer.header("etag").unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let complete = Request::new("POST", "/bucket/parts").query(&format!("uploadId={id}"));
    f.ok(&complete.body(list.as_bytes()), list.as_bytes()).await;
    let copy = Request::new("PUT", "/bucket/copy").header("x-amz-copy-source", "/bucket/parts");
    let copy =
        copy.header("x-amz-metadata-directive", "REPLACE").header("content-encoding", "br,aws-chunked");
    f.ok(&copy.body(b""), b"").await;
    for (key, coding) in [("parts", "gzip"), ("copy", "br")] {
        let (answer, back) = f.send(&Request::new("GET", &format!("/bucket/{key}")), b"").await;
        assert_eq!(answer.header("content-encoding"), Some(coding), "{key}");
        assert_eq!(back.as_bytes(), body);
    }
    f.finish();
}

#[tokio::test]
async fn each_checksum_behind_a_body_is_verified_and_kept() {
    let mut f = Fixture::new().await;
    for size in [70_000, 2 << 20] {
        let body = text(size);
        for form in [Form::SignedTrailer, Form::Trailer, Form::HttpChunked] {
            for (name, value) in &checksums(&body) {
                let put = || Request::new("PUT", "/bucket/key").header("content-encoding", "aws-chunked");
                let (head, encoded) = chunked(&f.signer, put(), form, &body, (name, value));
                let (answer, said) = f.send_raw(&head, &encoded).await;
                assert_eq!(answer.status, 200, "{form:?} {name}: {said}");
                // Some write the value in capitals, some not.
                for mode in ["ENABLED", "enabled"] {
                    let get = Request::new("HEAD", "/bucket/key").header("x-amz-checksum-mode", mode);
                    let (answer, _) = f.send(&get, b"").await;
                    assert_eq!(answer.header(name), Some(value.as_str()), "{form:?}");
                }
                f.ok(&Request::new("DELETE", "/bucket/key"), b"").await;
                let wrong =
                    &checksums(b"another body").into_iter().find(|(other, _)| other == name).unwrap().1;
                let (head, encoded) = chunked(&f.signer, put(), form, &body, (name, wrong));
                let (answer, said) = f.send_raw(&head, &encoded).await;
                assert_eq!((answer.status, element(&said, "Code")), (400, "BadDigest"), "{form:?} {name}");
                let (answer, _) = f.send(&Request::new("GET", "/bucket/key"), b"").await;
                assert_eq!(answer.status, 404, "{form:?} {name}: it was written");
            }
        }
    }
    f.finish();
}

#[tokio::test]
async fn an_md5_is_that_of_the_decoded_body_and_a_refusal_leaves_the_connection_usable() {
    let mut f = Fixture::new().await;
    for size in [70_000, 2 << 20] {
        let body = text(size);
        let [(name, value), ..] = checksums(&body);
        for form in FORMS {
            for (md5, status) in [(md5::compute(&body), 200), (md5::compute(b"another body"), 400)] {
                let put = Request::new("PUT", "/bucket/key").header("content-encoding", "aws-chunked");
                let put = put.header("content-md5", BASE64_STANDARD.encode(*md5));
                let (head, encoded) = chunked(&f.signer, put, form, &body, (name, &value));
                let (answer, said) = f.send_raw(&head, &encoded).await;
                assert_eq!(answer.status, status, "{form:?} {size}: {said}");
                assert_eq!(element(&said, "Code"), if status == 400 { "BadDigest" } else { "" });
            }
        }
    }
    f.finish();
}

#[tokio::test]
async fn a_body_in_chunks_of_http_has_the_decoded_length_that_it_says() {
    let mut f = Fixture::new().await;
    for size in [1000, 2 << 20] {
        let body = text(size);
        let [(name, value), ..] = checksums(&body);
        for said in [size - 1, size + 1] {
            let put =
                Request::new("PUT", "/bucket/key").header("x-amz-decoded-content-length", said.to_string());
            let (head, encoded) = chunked(&f.signer, put, Form::HttpChunked, &body, (name, &value));
            let (answer, document) = f.send_raw(&head, &encoded).await;
            assert_eq!((answer.status, element(&document, "Code")), (400, "IncompleteBody"), "{document}");
            let (answer, _) = f.send(&Request::new("GET", "/bucket/key"), b"").await;
            assert_eq!(answer.status, 404, "it was written");
        }
    }
    f.finish();
}
