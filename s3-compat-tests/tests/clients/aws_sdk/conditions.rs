//! Conditional requests.

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
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
async fn of_two_conditions_the_etag_decides() {
    let f = Fixture::new().await;
    let etag = f.put("key", b"body").await;
    let modified = f.s3.head_object().bucket(BUCKET).key("key").send().await.unwrap();
    let (here, before) =
        (modified.last_modified().unwrap().secs(), modified.last_modified().unwrap().secs() - 1);
    let (here, before) = (DateTime::from_secs(here), DateTime::from_secs(before));
    let get = || f.s3.get_object().bucket(BUCKET).key("key");
    let head = || f.s3.head_object().bucket(BUCKET).key("key");
    let copy = || f.s3.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/key"));
    // If-Match holds: If-Unmodified-Since is not looked at.
    get().if_match(&etag).if_unmodified_since(before).send().await.unwrap();
    head().if_match(&etag).if_unmodified_since(before).send().await.unwrap();
    copy().copy_source_if_match(&etag).copy_source_if_unmodified_since(before).send().await.unwrap();
    // If-None-Match does not hold: If-Modified-Since is not looked at.
    assert_eq!(refusal(get().if_none_match(&etag).if_modified_since(before).send().await).0, 304);
    assert_eq!(refusal(head().if_none_match(&etag).if_modified_since(before).send().await).0, 304);
    let copied = copy().copy_source_if_none_match(&etag).copy_source_if_modified_since(before).send().await;
    assert_eq!(refusal(copied), failed());
    get().if_none_match(WRONG).if_modified_since(here).send().await.unwrap();
    copy().copy_source_if_none_match(WRONG).copy_source_if_modified_since(here).send().await.unwrap();
    // If-Match fails before If-None-Match is asked.
    assert_eq!(refusal(get().if_match(WRONG).if_none_match(&etag).send().await), failed());
    assert_eq!(refusal(copy().copy_source_if_modified_since(here).send().await), failed());
    copy().copy_source_if_unmodified_since(here).send().await.unwrap();
    f.finish();
}

#[tokio::test]
async fn a_copy_obeys_the_conditions_on_its_destination() {
    let f = Fixture::new().await;
    for size in [10, 2 * MIB] {
        let (from, to) = (format!("from/{size}"), format!("to/{size}"));
        f.put(&from, &body::random(size, 1)).await;
        let copy = || f.s3.copy_object().bucket(BUCKET).key(&to).copy_source(format!("{BUCKET}/{from}"));
        assert_eq!(refusal(copy().if_match(WRONG).send().await), (404, "NoSuchKey".to_owned()));
        let first = copy().if_none_match("*").send().await.unwrap();
        let etag = first.copy_object_result().unwrap().e_tag().unwrap().to_owned();
        assert_eq!(refusal(copy().if_none_match("*").send().await), failed());
        assert_eq!(refusal(copy().if_match(WRONG).send().await), failed());
        copy().if_match(&etag).send().await.unwrap();
        assert_eq!(f.get(&to).await, body::random(size, 1));
    }
    f.finish();
}

#[tokio::test]
async fn a_deletion_obeys_time_and_size_alone_and_in_a_list() {
    let f = Fixture::new().await;
    let keys = ["a", "b", "c", "d"];
    let mut etags = Vec::new();
    for key in keys {
        etags.push(f.put(key, b"body").await);
    }
    let modified = f.s3.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    let modified = *modified.last_modified().unwrap();
    let other = DateTime::from_secs(modified.secs() - 1);
    let delete = || f.s3.delete_object().bucket(BUCKET).key("a");
    assert_eq!(refusal(delete().if_match_size(5).send().await), failed());
    assert_eq!(refusal(delete().if_match_last_modified_time(other).send().await), failed());
    assert_eq!(f.get("a").await, b"body");
    delete().if_match_size(4).if_match_last_modified_time(modified).if_match(&etags[0]).send().await.unwrap();
    f.assert_absent("a").await;
    let named = |key: &str| ObjectIdentifier::builder().key(key);
    let list = [
        named("b").e_tag(WRONG),
        named("c").size(5).e_tag(&etags[2]),
        named("d").size(4).e_tag(&etags[3]),
        named("none").size(4),
    ];
    let list = list.into_iter().map(|entry| entry.build().unwrap()).collect();
    let list = Delete::builder().set_objects(Some(list)).build().unwrap();
    let answer = f.s3.delete_objects().bucket(BUCKET).delete(list).send().await.unwrap();
    let refused: Vec<_> =
        answer.errors().iter().map(|error| (error.key().unwrap(), error.code().unwrap())).collect();
    assert_eq!(refused, [("b", "PreconditionFailed"), ("c", "PreconditionFailed")]);
    assert_eq!((f.get("b").await, f.get("c").await), (b"body".to_vec(), b"body".to_vec()));
    f.assert_absent("d").await;
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
