//! Conditional requests.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use s3_compat_tests::body;

use super::{BUCKET, Fixture, MIB, refusal};

const WRONG: &str = "\"00000000000000000000000000000000-1\"";

fn failed() -> (u16, String) {
    (412, "PreconditionFailed".to_owned())
}

#[tokio::test]
async fn if_none_match_creates_once() {
    let f = Fixture::new().await;
    for size in [4, 2 * MIB] {
        let key = format!("key/{size}");
        let create = || {
            let body = ByteStream::from(body::random(size, 1));
            f.s3.put_object().bucket(BUCKET).key(&key).if_none_match("*").body(body).send()
        };
        create().await.unwrap();
        assert_eq!(refusal(create().await), failed());
        assert_eq!(f.get(&key).await, body::random(size, 1));
    }
    f.finish();
}

#[tokio::test]
async fn if_match_replaces_only_what_it_names() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"one").await;
    let replace = |key: &str, etag: &str, body: &'static [u8]| {
        f.s3.put_object().bucket(BUCKET).key(key).if_match(etag).body(ByteStream::from_static(body)).send()
    };
    assert_eq!(refusal(replace("key", WRONG, b"two").await), failed());
    assert_eq!(f.get("key").await, b"one");
    replace("key", &etag, b"two").await.unwrap();
    assert_eq!(f.get("key").await, b"two");
    assert_eq!(refusal(replace("key", &etag, b"three").await), failed());
    assert_eq!(refusal(replace("absent", &etag, b"x").await), (404, "NoSuchKey".to_owned()));
    f.assert_absent("absent").await;
    f.finish();
}

#[tokio::test]
async fn a_read_obeys_its_conditions() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"body").await;
    let get = || f.s3.get_object().bucket(BUCKET).key("key");
    let head = || f.s3.head_object().bucket(BUCKET).key("key");
    get().if_match(&etag).send().await.unwrap();
    assert_eq!(refusal(get().if_match(WRONG).send().await), failed());
    assert_eq!(refusal(get().if_none_match(&etag).send().await).0, 304);
    assert_eq!(refusal(head().if_none_match(&etag).send().await).0, 304);
    get().if_none_match(WRONG).send().await.unwrap();
    let modified = head().send().await.unwrap().last_modified().unwrap().secs();
    get().if_unmodified_since(DateTime::from_secs(modified)).send().await.unwrap();
    assert_eq!(refusal(get().if_unmodified_since(DateTime::from_secs(modified - 1)).send().await), failed());
    assert_eq!(refusal(get().if_modified_since(DateTime::from_secs(modified)).send().await).0, 304);
    get().if_modified_since(DateTime::from_secs(modified - 1)).send().await.unwrap();
    f.finish();
}

#[tokio::test]
async fn if_match_deletes_only_what_it_names() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"body").await;
    let delete = |etag: &str| f.s3.delete_object().bucket(BUCKET).key("key").if_match(etag).send();
    assert_eq!(refusal(delete(WRONG).await), failed());
    assert_eq!(f.get("key").await, b"body");
    delete(&etag).await.unwrap();
    f.assert_absent("key").await;
    f.finish();
}

#[tokio::test]
async fn of_twelve_racing_creators_one_wins() {
    let f = Fixture::new().await;
    for size in [16, 2 * MIB] {
        let mut racers = tokio::task::JoinSet::new();
        for seed in 0..12 {
            let body = ByteStream::from(body::random(size, seed));
            let put =
                f.s3.put_object().bucket(BUCKET).key(format!("race/{size}")).if_none_match("*").body(body);
            racers.spawn(async move { (seed, put.send().await) });
        }
        let mut winners = Vec::new();
        for (seed, result) in racers.join_all().await {
            match result {
                Ok(_) => winners.push(seed),
                Err(error) => {
                    let status = error.raw_response().map(|answer| answer.status().as_u16());
                    assert!(matches!(status, Some(412 | 409)), "{error:?}");
                }
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(f.get(&format!("race/{size}")).await, body::random(size, winners[0]));
    }
    f.finish();
}
