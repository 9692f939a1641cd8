//! Single objects: bodies of every size, headers, ranges, checksums, deletion.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, Delete, ObjectAttributes, ObjectIdentifier, StorageClass,
};
use s3_compat_tests::body;

use super::{BUCKET, Fixture, INLINE_MAX, MIB, assert_same, refusal};

#[tokio::test]
async fn a_body_of_any_size_comes_back_as_it_was() {
    let f = Fixture::new().await;
    let sizes = [0, 1, 1024, 65_536, 65_537, INLINE_MAX - 1, INLINE_MAX, INLINE_MAX + 1, 20 * MIB];
    for (seed, size) in sizes.into_iter().enumerate() {
        let (key, body) = (format!("size/{size}"), body::random(size, seed as u64));
        let etag = f.put(&key, &body).await;
        assert_same(&f.get(&key).await, &body);
        let head = f.s3.head_object().bucket(BUCKET).key(&key).send().await.unwrap();
        assert_eq!(head.content_length(), Some(size.try_into().unwrap()));
        assert_eq!(head.e_tag(), Some(etag.as_str()));
        assert!(head.last_modified().is_some());
    }
    f.finish();
}

#[tokio::test]
async fn an_etag_changes_with_each_write_and_is_never_taken_for_an_md5() {
    let f = Fixture::new().await;
    let (first, second) = (f.put("key", b"one").await, f.put("key", b"two").await);
    assert_ne!(first, second);
    for etag in [&first, &second] {
        let inner = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quotes");
        let (hex, parts) =
            inner.split_once('-').expect("a dash, or clients compare it with the MD5 of the body");
        assert_eq!((hex.len(), parts), (32, "1"), "{etag}");
    }
    f.finish();
}

#[tokio::test]
async fn an_overwrite_replaces_a_body_across_the_tiers() {
    let f = Fixture::new().await;
    let sizes = [10, 3 * MIB, 4 * MIB, 20, 30, 2 * MIB, 0];
    for (seed, size) in sizes.into_iter().enumerate() {
        let body = body::random(size, seed as u64);
        f.put("key", &body).await;
        assert_same(&f.get("key").await, &body);
    }
    f.finish();
}

#[tokio::test]
async fn metadata_and_system_headers_come_back() {
    let f = Fixture::new().await;
    let expires = aws_sdk_s3::primitives::DateTime::from_secs(4_000_000_000);
    f.s3.put_object()
        .bucket(BUCKET)
        .key("key")
        .body(ByteStream::from_static(b"body"))
        .content_type("text/plain; charset=utf-8")
        .cache_control("max-age=60")
        .content_disposition("attachment; filename=\"a b.txt\"")
        .content_encoding("gzip")
        .content_language("en")
        .expires(expires)
        .storage_class(StorageClass::Standard)
        .metadata("mtime", "1700000000.123456789")
        .metadata("note", "a = b; c, d")
        .send()
        .await
        .unwrap();
    let get = f.s3.get_object().bucket(BUCKET).key("key").send().await.unwrap();
    assert_eq!(get.content_type(), Some("text/plain; charset=utf-8"));
    assert_eq!(get.cache_control(), Some("max-age=60"));
    assert_eq!(get.content_disposition(), Some("attachment; filename=\"a b.txt\""));
    assert_eq!(get.content_encoding(), Some("gzip"), "aws-chunked is never stored");
    assert_eq!(get.content_language(), Some("en"));
    assert_eq!(get.expires_string(), Some("Tue, 02 Oct 2096 07:06:40 GMT"));
    let metadata = get.metadata().unwrap();
    assert_eq!(metadata.get("mtime").map(String::as_str), Some("1700000000.123456789"));
    assert_eq!(metadata.get("note").map(String::as_str), Some("a = b; c, d"));
    assert_eq!(metadata.len(), 2);
    f.put("plain", b"body").await;
    let head = f.s3.head_object().bucket(BUCKET).key("plain").send().await.unwrap();
    assert!(head.metadata().is_none_or(std::collections::HashMap::is_empty));
    f.finish();
}

#[tokio::test]
async fn a_range_is_cut_out_of_inline_and_large_bodies() {
    let f = Fixture::new().await;
    for size in [200_000, 5 * MIB] {
        let body = body::random(size, 7);
        f.put("key", &body).await;
        let last = size - 1;
        let cases = [
            ("bytes=0-0".to_owned(), 0..1),
            ("bytes=10-19".to_owned(), 10..20),
            ("bytes=65530-65545".to_owned(), 65_530..65_546),
            (format!("bytes={last}-{last}"), last..size),
            ("bytes=-5".to_owned(), size - 5..size),
            ("bytes=100-".to_owned(), 100..size),
            (format!("bytes=100-{}", size + 1000), 100..size),
            (format!("bytes=-{}", size + 1000), 0..size),
        ];
        for (range, expected) in cases {
            let get = f.s3.get_object().bucket(BUCKET).key("key").range(&range).send().await.unwrap();
            let said = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
            assert_eq!(get.content_range(), Some(said.as_str()), "{range}");
            assert_eq!(get.content_length(), Some(expected.len().try_into().unwrap()), "{range}");
            assert_same(&get.body.collect().await.unwrap().to_vec(), &body[expected]);
        }
        let beyond = f.s3.get_object().bucket(BUCKET).key("key").range(format!("bytes={size}-")).send().await;
        assert_eq!(refusal(beyond), (416, "InvalidRange".to_owned()));
    }
    f.put("empty", b"").await;
    let empty = f.s3.get_object().bucket(BUCKET).key("empty").range("bytes=0-").send().await;
    assert_eq!(refusal(empty), (416, "InvalidRange".to_owned()));
    f.finish();
}

#[tokio::test]
async fn a_stored_checksum_comes_back_when_asked() {
    let f = Fixture::new().await;
    let algorithms = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];
    for algorithm in algorithms {
        for size in [11, 2 * MIB] {
            let body = body::random(size, 3);
            let put = f.s3.put_object().bucket(BUCKET).key("key").checksum_algorithm(algorithm.clone());
            let put = put.body(ByteStream::from(body.clone())).send().await.unwrap();
            let get = f.s3.get_object().bucket(BUCKET).key("key").checksum_mode(ChecksumMode::Enabled);
            let get = get.send().await.unwrap();
            let (stored, said) = match &algorithm {
                ChecksumAlgorithm::Crc32 => (put.checksum_crc32(), get.checksum_crc32()),
                ChecksumAlgorithm::Crc32C => (put.checksum_crc32_c(), get.checksum_crc32_c()),
                ChecksumAlgorithm::Crc64Nvme => (put.checksum_crc64_nvme(), get.checksum_crc64_nvme()),
                ChecksumAlgorithm::Sha1 => (put.checksum_sha1(), get.checksum_sha1()),
                _ => (put.checksum_sha256(), get.checksum_sha256()),
            };
            assert!(stored.is_some(), "{algorithm:?} of {size} bytes");
            assert_eq!(stored.map(str::to_owned), said.map(str::to_owned), "{algorithm:?} of {size} bytes");
            assert_same(&get.body.collect().await.unwrap().to_vec(), &body);
        }
    }
    f.finish();
}

#[tokio::test]
async fn attributes_are_those_of_the_object() {
    let f = Fixture::new().await;
    let etag = f.put("key", &body::random(2 * MIB, 1)).await;
    let attributes = f.s3.get_object_attributes().bucket(BUCKET).key("key");
    let attributes = attributes
        .object_attributes(ObjectAttributes::Etag)
        .object_attributes(ObjectAttributes::ObjectSize)
        .object_attributes(ObjectAttributes::StorageClass)
        .object_attributes(ObjectAttributes::Checksum)
        .send()
        .await
        .unwrap();
    assert_eq!(attributes.e_tag(), Some(etag.trim_matches('"')), "without quotes here");
    assert_eq!(attributes.object_size(), Some(2 * 1024 * 1024));
    assert_eq!(attributes.storage_class(), Some(&StorageClass::Standard));
    assert!(attributes.checksum().and_then(|checksum| checksum.checksum_crc32()).is_some());
    f.finish();
}

#[tokio::test]
async fn a_deleted_object_is_gone_and_deleting_nothing_succeeds() {
    let f = Fixture::new().await;
    for size in [5, 2 * MIB] {
        f.put("key", &body::random(size, 2)).await;
        for _ in 0..2 {
            f.s3.delete_object().bucket(BUCKET).key("key").send().await.unwrap();
            f.assert_absent("key").await;
        }
    }
    assert_eq!(refusal(f.s3.head_object().bucket(BUCKET).key("key").send().await).0, 404);
    f.finish();
}

#[tokio::test]
async fn many_objects_are_deleted_by_one_request() {
    let f = Fixture::new().await;
    let keys = ["a", "b/c", "d & <e>", "large", "never there"];
    for key in &keys[..3] {
        f.put(key, key.as_bytes()).await;
    }
    f.put("large", &body::random(2 * MIB, 4)).await;
    f.put("kept", b"kept").await;
    let named = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let delete = Delete::builder().set_objects(Some(keys.map(named).to_vec())).build().unwrap();
    let done = f.s3.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    let mut deleted: Vec<_> = done.deleted().iter().map(|deleted| deleted.key().unwrap()).collect();
    deleted.sort_unstable();
    assert_eq!(deleted, keys, "what was never there is deleted as well");
    assert!(done.errors().is_empty());
    for key in keys {
        f.assert_absent(key).await;
    }
    f.put("a", b"again").await;
    let quiet = Delete::builder().objects(named("a")).quiet(true).build().unwrap();
    let done = f.s3.delete_objects().bucket(BUCKET).delete(quiet).send().await.unwrap();
    assert!(done.deleted().is_empty(), "quiet names only errors");
    f.assert_absent("a").await;
    assert_eq!(f.get("kept").await, b"kept");
    f.finish();
}
