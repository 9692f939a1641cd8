//! Checksums of uploads whose client sends none with its parts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use s3_compat_tests::sign::Request;

use super::{Fixture, element};

const PART: usize = 5 << 20;

/// Base64 of a checksum of `width` bytes.
fn sum(algorithm: CrcAlgorithm, width: usize, bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(&crc_fast::checksum(algorithm, bytes).to_be_bytes()[8 - width..])
}

#[tokio::test]
async fn a_checksum_over_the_whole_is_proved_though_no_part_was_sent_with_one() {
    let mut f = Fixture::new().await;
    let parts = [vec![1_u8; PART], b"the end".to_vec()];
    let whole = parts.concat();
    for (named, header, element_name, algorithm, width) in [
        ("", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", CrcAlgorithm::Crc64Nvme, 8),
        ("CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", CrcAlgorithm::Crc32Iscsi, 4),
    ] {
        let mut create = Request::new("POST", "/bucket/key").query("uploads=").body(b"");
        if !named.is_empty() {
            create =
                create.header("x-amz-checksum-algorithm", named).header("x-amz-checksum-type", "FULL_OBJECT");
        }
        let id = element(&f.ok(&create, b"").await, "UploadId").to_owned();
        let mut list = String::new();
        for (n, part) in (1..).zip(&parts) {
            let query = format!("partNumber={n}&uploadId={id}");
            let (answer, said) =
                f.send(&Request::new("PUT", "/bucket/key").query(&query).body(part), part).await;
            assert_eq!(
                (answer.status, answer.header(header)),
                (200, Some(&*sum(algorithm, width, part))),
                "{said}"
            );
            let etag = answer.header("etag").unwrap();
            list.push_str(&format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"));
        }
        let list = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
        let complete = |value: String| {
            let request = Request::new("POST", "/bucket/key").query(&format!("uploadId={id}"));
            request.header(header, value).body(list.as_bytes())
        };
        let wrong = complete(sum(algorithm, width, b"other"));
        let (answer, said) = f.send(&wrong, list.as_bytes()).await;
        assert_eq!((answer.status, element(&said, "Code")), (400, "BadDigest"), "{said}");
        let right = sum(algorithm, width, &whole);
        let said = f.ok(&complete(right.clone()), list.as_bytes()).await;
        assert_eq!((element(&said, element_name), element(&said, "ChecksumType")), (&*right, "FULL_OBJECT"));
        let head = Request::new("HEAD", "/bucket/key").header("x-amz-checksum-mode", "ENABLED");
        assert_eq!(f.send(&head, b"").await.0.header(header), Some(&*right));
        let part = head.query("partNumber=2");
        let (answer, _) = f.send(&part, b"").await;
        assert_eq!((answer.status, answer.header(header)), (206, None), "one of several has none of its own");
        f.ok(&Request::new("DELETE", "/bucket/key"), b"").await;
    }
    f.finish();
}
