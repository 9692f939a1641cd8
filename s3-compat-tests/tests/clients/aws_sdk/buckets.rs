//! Buckets.

use super::{BUCKET, Fixture, refusal};

#[tokio::test]
async fn a_created_bucket_is_there_and_a_deleted_one_is_not() {
    let f = Fixture::new().await;
    f.s3.create_bucket().bucket("second").send().await.unwrap();
    f.s3.head_bucket().bucket("second").send().await.unwrap();
    let names = async || {
        let listed = f.s3.list_buckets().send().await.unwrap();
        listed.buckets().iter().map(|bucket| bucket.name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, [BUCKET, "second"]);
    f.s3.delete_bucket().bucket("second").send().await.unwrap();
    assert_eq!(names().await, [BUCKET]);
    assert_eq!(refusal(f.s3.head_bucket().bucket("second").send().await).0, 404);
    f.finish();
}

#[tokio::test]
async fn creating_a_bucket_again_says_that_it_is_yours() {
    let f = Fixture::new().await;
    f.put("kept", b"kept").await;
    let again = f.s3.create_bucket().bucket(BUCKET).send().await;
    assert_eq!(refusal(again), (409, "BucketAlreadyOwnedByYou".to_owned()));
    assert_eq!(f.get("kept").await, b"kept");
    f.finish();
}

#[tokio::test]
async fn a_bucket_that_holds_an_object_is_not_deleted() {
    let f = Fixture::new().await;
    f.put("key", b"body").await;
    assert_eq!(refusal(f.s3.delete_bucket().bucket(BUCKET).send().await), (409, "BucketNotEmpty".to_owned()));
    assert_eq!(f.get("key").await, b"body");
    f.finish();
}

#[tokio::test]
async fn the_location_of_a_bucket_is_the_region() {
    let f = Fixture::new().await;
    let location = f.s3.get_bucket_location().bucket(BUCKET).send().await.unwrap();
    let said = location.location_constraint().map(|constraint| constraint.as_str().to_owned());
    assert!(
        said.as_deref().unwrap_or_default().is_empty(),
        "us-east-1 is the empty constraint, not {said:?}"
    );
    f.finish();
}

#[tokio::test]
async fn nothing_happens_in_a_bucket_that_is_not_there() {
    let f = Fixture::new().await;
    let missing = || "missing".to_owned();
    let no_bucket = (404, "NoSuchBucket".to_owned());
    assert_eq!(refusal(f.s3.get_object().bucket(missing()).key("k").send().await), no_bucket);
    assert_eq!(refusal(f.s3.put_object().bucket(missing()).key("k").send().await), no_bucket);
    assert_eq!(refusal(f.s3.delete_object().bucket(missing()).key("k").send().await), no_bucket);
    assert_eq!(refusal(f.s3.list_objects_v2().bucket(missing()).send().await), no_bucket);
    assert_eq!(refusal(f.s3.list_objects().bucket(missing()).send().await), no_bucket);
    assert_eq!(refusal(f.s3.create_multipart_upload().bucket(missing()).key("k").send().await), no_bucket);
    assert_eq!(refusal(f.s3.delete_bucket().bucket(missing()).send().await), no_bucket);
    assert_eq!(refusal(f.s3.get_bucket_location().bucket(missing()).send().await), no_bucket);
    f.finish();
}
