//! AWS's published examples as known answers.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>, `sigv4-query-string-auth`,
//! `sigv4-streaming` and `sigv4-streaming-trailers`.

use super::*;
use crate::auth::{ChecksumSlot, checksum};
use terrace_store::object::Algorithm;

const HOST: &str = "examplebucket.s3.amazonaws.com";

fn signed(method: &str, uri: &str, headers: &[(&str, &str)], names: &str, signature: &str) -> Parts {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={names},Signature={signature}"
    );
    let mut request = Request::builder().method(method).uri(uri).header("authorization", authorization);
    for (name, value) in headers.iter().chain(&[("x-amz-date", "20130524T000000Z")]) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn get_object_with_a_range() {
    let headers = [("host", HOST), ("range", "bytes=0-9"), ("x-amz-content-sha256", signer::EMPTY)];
    let names = "host;range;x-amz-content-sha256;x-amz-date";
    let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let request = with_body(signed("GET", "/test.txt", &headers, names, signature), "");
    let (parts, body) = read(&guard(), request).await.unwrap();
    assert!(body.is_empty());
    assert_eq!(parts.extensions.get::<Identity>().unwrap().access_key(), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(parts.headers["range"], "bytes=0-9");
}

#[tokio::test]
async fn put_object() {
    let content = "Welcome to Amazon S3.";
    let headers = [
        ("host", HOST),
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
    ];
    let names = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class";
    let signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    // The path as SDKs send it, and raw, as the example shows it.
    for path in ["/test%24file.text", "/test$file.text"] {
        let request = with_body(signed("PUT", path, &headers, names, signature), content);
        assert_eq!(read(&guard(), request).await.unwrap().1, content, "{path}");
    }
    let request =
        with_body(signed("PUT", "/test%24file.text", &headers, names, signature), "Welcome to Amazon S4.");
    assert_eq!(read(&guard(), request).await.unwrap_err(), "400 XAmzContentSHA256Mismatch");
}

#[tokio::test]
async fn get_bucket_lifecycle_and_list_objects() {
    let headers = [("host", HOST), ("x-amz-content-sha256", signer::EMPTY)];
    let names = "host;x-amz-content-sha256;x-amz-date";
    for (uri, signature) in [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ("/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let request = with_body(signed("GET", uri, &headers, names, signature), "");
        assert!(read(&guard(), request).await.is_ok(), "{uri}");
        let request = with_body(signed("HEAD", uri, &headers, names, signature), "");
        assert_eq!(read(&guard(), request).await.unwrap_err(), "403 ", "{uri}");
    }
}

#[tokio::test]
async fn a_presigned_url() {
    let uri = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
               &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
               &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
               &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let request = Request::get(uri).header("host", HOST).body(Full::new(Bytes::new())).unwrap();
    let (parts, _) = read(&guard(), request).await.unwrap();
    assert_eq!(parts.uri, "/test.txt");
    assert!(parts.extensions.get::<Identity>().is_some());
}

const SIGNATURES: [&str; 3] = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

fn published_chunks(signatures: &[&str; 3]) -> Vec<u8> {
    let mut framed = format!("10000;chunk-signature={}\r\n", signatures[0]).into_bytes();
    framed.resize(framed.len() + 65_536, b'a');
    framed.extend_from_slice(format!("\r\n400;chunk-signature={}\r\n", signatures[1]).as_bytes());
    framed.resize(framed.len() + 1024, b'a');
    framed.extend_from_slice(format!("\r\n0;chunk-signature={}\r\n", signatures[2]).as_bytes());
    framed
}

fn chunked_put(framed: Vec<u8>) -> Request<Full<Bytes>> {
    let headers = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    let names = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                 x-amz-storage-class";
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    with_body(signed("PUT", "/examplebucket/chunkObject.txt", &headers, names, seed), framed)
}

#[tokio::test]
async fn a_chunked_upload() {
    let mut framed = published_chunks(&SIGNATURES);
    framed.extend_from_slice(b"\r\n");
    assert_eq!(framed.len(), 66_824);
    let (parts, body) = read(&guard(), chunked_put(framed)).await.unwrap();
    assert_eq!(body, vec![b'a'; 66_560]);
    assert_eq!(parts.headers["content-length"], "66560");
    assert!(!parts.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_chunked_upload_with_any_signature_changed_is_refused() {
    for index in 0..3 {
        let wrong = SIGNATURES[index].replace('a', "b");
        let mut signatures = SIGNATURES;
        signatures[index] = &wrong;
        let mut framed = published_chunks(&signatures);
        framed.extend_from_slice(b"\r\n");
        let refused = read(&guard(), chunked_put(framed)).await.unwrap_err();
        assert_eq!(refused, "403 SignatureDoesNotMatch", "chunk {index}");
    }
}

#[tokio::test]
async fn a_chunked_upload_with_a_signed_trailer() {
    let headers = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-trailer", "x-amz-checksum-crc32c"),
    ];
    let names = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                 x-amz-storage-class;x-amz-trailer";
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let framed = published_chunks(&[
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ]);
    for (trailer, wanted) in [
        ("x-amz-checksum-crc32c:sOO8/Q==\r\n", Ok(())),
        ("x-amz-checksum-crc32c:sOO8/Q==\n\r\n", Ok(())),
        ("x-amz-checksum-crc32c:sOO8/g==\r\n", Err("403 SignatureDoesNotMatch")),
        ("", Err("403 SignatureDoesNotMatch")),
    ] {
        let mut framed = framed.clone();
        framed.extend_from_slice(trailer.as_bytes());
        framed.extend_from_slice(
            b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
        );
        let parts = signed("PUT", "/examplebucket/chunkObject.txt", &headers, names, seed);
        let read = read(&guard(), with_body(parts, framed)).await;
        assert_eq!(read.as_ref().map(|_| ()).map_err(String::as_str), wanted, "{trailer}");
        let Ok((parts, body)) = read else { continue };
        assert_eq!(body.len(), 66_560);
        let checksum = parts.extensions.get::<ChecksumSlot>().unwrap().get().unwrap();
        assert_eq!((checksum.algorithm, &*checksum::to_base64(checksum)), (Algorithm::Crc32c, "sOO8/Q=="));
    }
}
