//! Copies.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, StorageClass};
use s3_compat_tests::body;
use s3_compat_tests::sign::escape_path;

use super::{BUCKET, Fixture, MIB, assert_same, refusal};

fn source(key: &str) -> String {
    format!("{BUCKET}/{}", escape_path(key))
}

#[tokio::test]
async fn a_copy_has_the_body_and_the_metadata_of_its_source() {
    let f = Fixture::new().await;
    for size in [0, 300, 3 * MIB] {
        let (from, to) = (format!("from + %/ü {size}"), format!("to/{size}"));
        let body = body::random(size, 5);
        let put = f.s3.put_object().bucket(BUCKET).key(&from).metadata("a", "1").content_type("text/x");
        put.body(ByteStream::from(body.clone())).send().await.unwrap();
        let copied =
            f.s3.copy_object().bucket(BUCKET).key(&to).copy_source(source(&from)).send().await.unwrap();
        let result = copied.copy_object_result().unwrap();
        assert!(result.last_modified().is_some());
        let get = f.s3.get_object().bucket(BUCKET).key(&to).send().await.unwrap();
        assert_eq!(get.e_tag(), result.e_tag());
        assert_eq!(get.content_type(), Some("text/x"));
        assert_eq!(get.metadata().unwrap().get("a").map(String::as_str), Some("1"));
        assert_same(&get.body.collect().await.unwrap().to_vec(), &body);
        f.s3.delete_object().bucket(BUCKET).key(&from).send().await.unwrap();
        assert_same(&f.get(&to).await, &body);
    }
    f.finish();
}

#[tokio::test]
async fn a_copy_may_replace_the_metadata_also_onto_itself() {
    let f = Fixture::new().await;
    for size in [300, 3 * MIB] {
        let body = body::random(size, 6);
        let put = f.s3.put_object().bucket(BUCKET).key("key").metadata("old", "1");
        put.body(ByteStream::from(body.clone())).send().await.unwrap();
        let copy = || f.s3.copy_object().bucket(BUCKET).key("key").copy_source(source("key"));
        assert_eq!(refusal(copy().send().await), (400, "InvalidRequest".to_owned()), "nothing would change");
        let replace =
            copy().metadata_directive(MetadataDirective::Replace).metadata("new", "2").content_type("text/y");
        replace.send().await.unwrap();
        let get = f.s3.get_object().bucket(BUCKET).key("key").send().await.unwrap();
        assert_eq!(get.content_type(), Some("text/y"));
        let metadata = get.metadata().unwrap().clone();
        assert_eq!(metadata.into_iter().collect::<Vec<_>>(), [("new".to_owned(), "2".to_owned())]);
        assert_same(&get.body.collect().await.unwrap().to_vec(), &body);
    }
    f.finish();
}

#[tokio::test]
async fn a_copy_is_standard_unless_it_says_otherwise() {
    let f = Fixture::new().await;
    for size in [300, 3 * MIB] {
        let put =
            f.s3.put_object()
                .bucket(BUCKET)
                .key("cold")
                .storage_class(StorageClass::StandardIa)
                .metadata("a", "1");
        put.body(ByteStream::from(body::random(size, 6))).send().await.unwrap();
        let copy = |to: &str| f.s3.copy_object().bucket(BUCKET).key(to).copy_source(source("cold"));
        let class = async |key: &str| {
            let head = f.s3.head_object().bucket(BUCKET).key(key).send().await.unwrap();
            assert_eq!(head.metadata().unwrap().get("a").map(String::as_str), Some("1"));
            head.storage_class().cloned()
        };
        copy("plain").send().await.unwrap();
        assert_eq!(class("plain").await, None);
        copy("named").storage_class(StorageClass::GlacierIr).send().await.unwrap();
        assert_eq!(class("named").await, Some(StorageClass::GlacierIr));
        copy("cold").storage_class(StorageClass::Standard).send().await.unwrap();
        assert_eq!(class("cold").await, None);
        assert_same(&f.get("cold").await, &body::random(size, 6));
    }
    f.finish();
}

#[tokio::test]
async fn a_plus_in_a_source_is_a_space() {
    let f = Fixture::new().await;
    f.put("a b", b"space").await;
    f.put("a+b", b"plus").await;
    for (from, body) in [("a+b", "space"), ("a%20b", "space"), ("a%2Bb", "plus")] {
        for slash in ["", "/"] {
            let copy =
                f.s3.copy_object().bucket(BUCKET).key("to").copy_source(format!("{slash}{BUCKET}/{from}"));
            copy.send().await.unwrap();
            assert_eq!(f.get("to").await, body.as_bytes(), "{from}");
        }
    }
    f.finish();
}

#[tokio::test]
async fn a_copy_obeys_the_conditions_on_its_source() {
    let f = Fixture::new().await;
    let etag = f.put("from", b"body").await;
    let copy = || f.s3.copy_object().bucket(BUCKET).key("to").copy_source(source("from"));
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal(copy().copy_source_if_none_match(&etag).send().await), failed);
    assert_eq!(refusal(copy().copy_source_if_match("\"x-1\"").send().await), failed);
    f.assert_absent("to").await;
    copy().copy_source_if_match(&etag).send().await.unwrap();
    assert_eq!(f.get("to").await, b"body");
    f.finish();
}

#[tokio::test]
async fn a_copy_of_nothing_is_refused() {
    let f = Fixture::new().await;
    let copy = |from: &str| f.s3.copy_object().bucket(BUCKET).key("to").copy_source(from).send();
    assert_eq!(refusal(copy(&source("absent")).await), (404, "NoSuchKey".to_owned()));
    assert_eq!(refusal(copy("missing/key").await), (404, "NoSuchBucket".to_owned()));
    f.assert_absent("to").await;
    f.finish();
}
