//! The guard between hyper and s3s, over a connection in memory.

use bytes::BytesMut;
use futures::StreamExt;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use s3s::dto::{
    DeleteObjectsInput, DeleteObjectsOutput, GetObjectInput, GetObjectOutput, PutObjectInput, PutObjectOutput,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::signer::unsigned_chunks;
use super::*;
use crate::auth::{Access, NoKeys};

/// Keeps what s3s saw. Objects in the bucket `absent` are refused without reading the body.
#[derive(Clone, Default)]
struct Probe {
    seen: Arc<Mutex<Vec<String>>>,
}

#[async_trait::async_trait]
impl S3 for Probe {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let signature = request.headers.contains_key("authorization") || request.credentials.is_some();
        self.seen.lock().push(format!("{} {signature}", request.uri));
        Ok(S3Response::new(GetObjectOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        if request.input.bucket == "absent" {
            return Err(S3Error::new(S3ErrorCode::NoSuchBucket));
        }
        let length = request.input.content_length;
        let mut content = BytesMut::new();
        let mut body = request.input.body.unwrap();
        while let Some(piece) = body.next().await {
            content.extend_from_slice(
                &piece.map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error))?,
            );
        }
        self.seen.lock().push(format!("{length:?} {}", content.len()));
        Ok(S3Response::new(PutObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.seen.lock().push(format!("delete {}", request.input.delete.objects.len()));
        Ok(S3Response::new(DeleteObjectsOutput::default()))
    }
}

fn service() -> (Probe, S3Service) {
    let probe = Probe::default();
    let mut builder = S3ServiceBuilder::new(probe.clone());
    builder.set_auth(NoKeys);
    builder.set_access(Access);
    (probe, builder.build())
}

fn text(parts: &Parts) -> String {
    let mut text = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri);
    for (name, value) in &parts.headers {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text + "\r\n"
}

fn put(bucket: &str, headers: &[(&str, &str)]) -> String {
    let mut parts = parts("PUT", &format!("/{bucket}/k"), headers);
    EXAMPLE.sign(&mut parts);
    text(&parts)
}

/// Serves one connection through the guard while `client` talks.
async fn converse<F: Future>(service: &S3Service, client: impl FnOnce(DuplexStream) -> F) -> F::Output {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let guard = guard();
    let handler = hyper::service::service_fn(async |request: Request<hyper::body::Incoming>| {
        Ok::<_, Infallible>(assert_send(guard.serve(request, service)).await)
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), handler);
    let (output, _closed) = futures::join!(client(near), connection);
    output
}

/// Reads one answer: head, and body by its content-length (or none).
async fn answer(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { break };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    format!("{head}{}", String::from_utf8(body).unwrap())
}

/// Compiles only if a connection task may hold it.
fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_request_that_goes_around_the_guard_is_denied() {
    let (probe, service) = service();
    let mut signed = parts("GET", "/bucket/k", &[]);
    EXAMPLE.sign(&mut signed);
    let mut presigned = parts("GET", "/bucket/k", &[]);
    EXAMPLE.presign(&mut presigned, "60");
    for parts in [parts("GET", "/bucket/k", &[]), signed, presigned] {
        let answer = service.call(Request::from_parts(parts, s3s::Body::empty())).await.unwrap();
        assert_eq!(answer.status(), 403);
    }
    assert!(probe.seen.lock().is_empty());
}

#[tokio::test]
async fn an_anonymous_request_is_denied_and_a_signed_one_reaches_s3s_without_its_signature() {
    let (probe, service) = service();
    let empty = |parts| Request::from_parts(parts, Empty::<Bytes>::new());
    let answer = guard().serve(empty(parts("GET", "/bucket/k", &[])), &service).await;
    assert_eq!(refusal(answer), "403 AccessDenied");
    let mut signed = parts("GET", "/bucket/k?versionId=1", &[]);
    EXAMPLE.sign(&mut signed);
    let mut presigned = parts("GET", "/bucket/k?versionId=2", &[]);
    EXAMPLE.presign(&mut presigned, "60");
    for parts in [signed, presigned] {
        assert_eq!(guard().serve(empty(parts), &service).await.status(), 200);
    }
    assert_eq!(*probe.seen.lock(), ["/bucket/k?versionId=1 false", "/bucket/k?versionId=2 false"]);
}

#[tokio::test]
async fn a_chunked_body_arrives_decoded_with_its_length() {
    let (probe, service) = service();
    let headers = [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", "9"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("content-encoding", "aws-chunked"),
    ];
    for (sum, status, seen) in [("y/Q5Jg==", 200, 1), ("AAAAAA==", 400, 1)] {
        let mut parts = parts("PUT", "/bucket/k", &headers);
        EXAMPLE.sign(&mut parts);
        let framed = unsigned_chunks(&[b"123456789"], &format!("x-amz-checksum-crc32:{sum}\r\n"));
        let answer = guard().serve(with_body(parts, framed), &service).await;
        assert_eq!((answer.status().as_u16(), probe.seen.lock().len()), (status, seen));
        if status == 400 {
            assert_eq!(refusal(answer), "400 BadDigest");
        }
    }
    assert_eq!(*probe.seen.lock(), ["Some(9) 9"]);
}

#[tokio::test]
async fn a_digest_of_an_xml_body_is_verified_before_the_operation() {
    let (probe, service) = service();
    let xml = "<Delete><Object><Key>k</Key></Object></Delete>";
    let good = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, *md5::compute(xml));
    for (md5, wanted) in [(&*good, 200), ("AAAAAAAAAAAAAAAAAAAAAA==", 400)] {
        let length = xml.len().to_string();
        let mut parts = parts("POST", "/bucket?delete", &[("content-md5", md5), ("content-length", &length)]);
        EXAMPLE.sign(&mut parts);
        let answer = guard().serve(with_body(parts, xml), &service).await;
        assert_eq!(answer.status().as_u16(), wanted);
        if wanted == 400 {
            assert_eq!(refusal(answer), "400 BadDigest");
        }
    }
    assert_eq!(*probe.seen.lock(), ["delete 1"]);
}

#[tokio::test]
async fn a_refused_upload_is_read_so_that_the_client_sees_the_answer_and_may_go_on() {
    let (_, service) = service();
    let body = vec![b'x'; 700_000];
    converse(&service, async |mut stream| {
        let length = body.len().to_string();
        let forged = put("bucket", &[("content-length", &length)])
            .replace("Signature=", "Signature=0")
            .replace("=0a", "=0");
        for (head, code) in [
            (put("absent", &[("content-length", &length)]), "NoSuchBucket"),
            (forged, "AuthorizationHeaderMalformed"),
            (put("absent", &[("content-length", &length)]), "NoSuchBucket"),
        ] {
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            let answer = answer(&mut stream).await;
            assert!(answer.contains(&format!("<Code>{code}</Code>")), "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_small_refused_upload_is_asked_for_and_a_large_one_is_not() {
    let (probe, service) = service();
    for (length, asked) in [("9", true), ("2000000", false)] {
        let answer = converse(&service, async |mut stream| {
            let head = put("absent", &[("content-length", length), ("expect", "100-continue")]);
            stream.write_all(head.as_bytes()).await.unwrap();
            let first = answer(&mut stream).await;
            assert_eq!(first.starts_with("HTTP/1.1 100"), asked, "{first}");
            if !asked {
                return first;
            }
            stream.write_all(b"123456789").await.unwrap();
            answer(&mut stream).await
        });
        assert!(answer.await.contains("<Code>NoSuchBucket</Code>"));
    }
    let stored = converse(&service, async |mut stream| {
        let head = put("bucket", &[("content-length", "9"), ("expect", "100-continue")]);
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 100"));
        stream.write_all(b"123456789").await.unwrap();
        answer(&mut stream).await
    });
    assert!(stored.await.starts_with("HTTP/1.1 200"));
    assert_eq!(*probe.seen.lock(), ["Some(9) 9"]);
}

#[tokio::test]
async fn a_client_that_hangs_up_half_way_leaves_no_whole_body() {
    let (probe, service) = service();
    converse(&service, async |mut stream| {
        stream.write_all(put("bucket", &[("content-length", "9")]).as_bytes()).await.unwrap();
        stream.write_all(b"1234").await.unwrap();
    })
    .await;
    assert!(probe.seen.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_sending_gets_a_request_timeout() {
    let (probe, service) = service();
    let answer = converse(&service, async |mut stream| {
        stream.write_all(put("bucket", &[("content-length", "9")]).as_bytes()).await.unwrap();
        stream.write_all(b"1234").await.unwrap();
        answer(&mut stream).await
    });
    assert!(answer.await.contains("<Code>RequestTimeout</Code>"));
    assert!(probe.seen.lock().is_empty());
}
