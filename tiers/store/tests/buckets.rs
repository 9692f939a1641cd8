//! Buckets, and what a store checks before it opens.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus::Registry;
use terrace_high_volume::Mutation;
use terrace_long_term::BlobErrorKind;
use terrace_long_term::BlobStore;
use terrace_long_term::faults::{Fault, Point};
use terrace_runtime::Tasks;
use terrace_store::ops::bucket::BucketInfo;
use terrace_store::ops::object::ListObjects;
use terrace_store::{FailureKind, OpenError, Refusal, Settings, Store};
use tokio::sync::Notify;
use tokio::time::sleep;
use world::{Engines, THRESHOLD, World, bucket, bytes, failure, refusal};

fn names(buckets: &[BucketInfo]) -> Vec<&str> {
    buckets.iter().map(|info| info.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_made_once_and_its_owner_is_told_so() {
    let world = World::new().await;
    let again = world.store.create_bucket(world.bucket.clone(), "owner").await;
    assert_eq!(refusal(again), Refusal::BucketAlreadyOwnedByYou);
    let stranger = world.store.create_bucket(world.bucket.clone(), "stranger").await;
    assert_eq!(refusal(stranger), Refusal::BucketAlreadyExists);
    let info = world.store.head_bucket(&world.bucket).await.unwrap();
    assert_eq!((info.name, info.owner.as_str()), (world.bucket.clone(), "owner"));
    assert_eq!(info.created_ms, world.now_ms());
}

#[tokio::test(start_paused = true)]
async fn buckets_are_listed_in_the_order_of_their_names_also_after_a_reopen() {
    let world = World::new().await;
    for name in ["zzz", "aaa", "a-b"] {
        world.store.create_bucket(bucket(name), "owner").await.unwrap();
    }
    world.store.delete_bucket(&bucket("aaa")).await.unwrap();
    let before = world.store.list_buckets().await.unwrap();
    assert_eq!(names(&before), ["a-b", "bucket", "zzz"]);
    world.put("k", &bytes(10, 1)).await.unwrap();
    let world = world.reopen().await;
    assert_eq!(world.store.list_buckets().await.unwrap(), before);
    assert_eq!(world.get("k").await.unwrap(), bytes(10, 1));
    assert_eq!(refusal(world.store.head_bucket(&bucket("aaa")).await), Refusal::NoSuchBucket);
    let again = world.store.create_bucket(bucket("zzz"), "owner").await;
    assert_eq!(refusal(again), Refusal::BucketAlreadyOwnedByYou);
}

#[tokio::test(start_paused = true)]
async fn only_an_empty_bucket_is_deleted() {
    let world = World::new().await;
    for size in [0, 10, THRESHOLD + 1] {
        world.put("k", &bytes(size, 1)).await.unwrap();
        assert_eq!(refusal(world.store.delete_bucket(&world.bucket).await), Refusal::BucketNotEmpty);
        assert_eq!(world.get("k").await.unwrap(), bytes(size, 1));
        world.delete("k").await.unwrap();
    }
    world.store.delete_bucket(&world.bucket).await.unwrap();
    assert_eq!(refusal(world.store.delete_bucket(&world.bucket).await), Refusal::NoSuchBucket);
    assert_eq!(refusal(world.put("k", &bytes(1, 1)).await), Refusal::NoSuchBucket);
    world.settle_for_good().await;
    let left: Vec<_> = world.engines.kv.rows().await.into_iter().map(|(row, _)| row[0]).collect();
    assert!(left.iter().all(|family| *family == b'S'), "{left:?}");
    assert_eq!(world.engines.blobs.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_made_again_sees_nothing_of_the_one_before() {
    let world = World::new().await;
    for size in [10, THRESHOLD + 1] {
        world.put("k", &bytes(size, 1)).await.unwrap();
        let old: Vec<_> = world.engines.blobs.all().await;
        world.delete("k").await.unwrap();
        world.store.delete_bucket(&world.bucket).await.unwrap();
        world.store.create_bucket(world.bucket.clone(), "other owner").await.unwrap();
        assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
        world.put("k", &bytes(THRESHOLD + 1, 2)).await.unwrap();
        let new: Vec<_> = world.engines.blobs.all().await;
        assert!(
            new.iter().filter(|blob| !old.contains(blob)).all(|blob| old.iter().all(|o| o.bid != blob.bid))
        );
        world.settle_for_good().await;
        assert_eq!(world.get("k").await.unwrap(), bytes(THRESHOLD + 1, 2));
        assert_eq!(world.counters().await.objects, 1);
        world.assert_sound().await;
        world.delete("k").await.unwrap();
    }
}

/// `work`, begun after `turns` turns of the other tasks.
async fn after<T>(turns: usize, work: impl Future<Output = T>) -> T {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    work.await
}

/// A put and a deletion of its bucket, each begun after so many turns: never both succeed. Whether the put did.
async fn race(size: usize, (put_at, delete_at): (usize, usize)) -> bool {
    let world = World::new().await;
    world.engines.steps.walk();
    let sent = bytes(size, 1);
    let (put, deleted) = tokio::join!(
        after(put_at, world.put("k", &sent)),
        after(delete_at, world.store.delete_bucket(&world.bucket))
    );
    world.engines.steps.run();
    let put_won = put.is_ok();
    if put_won {
        assert_eq!(refusal(deleted), Refusal::BucketNotEmpty);
        assert_eq!(world.get("k").await.unwrap(), sent);
        world.delete("k").await.unwrap();
        world.store.delete_bucket(&world.bucket).await.unwrap();
    } else {
        assert_eq!(refusal(put), Refusal::NoSuchBucket);
        deleted.unwrap();
    }
    world.settle_for_good().await;
    assert_eq!(world.dump().await, world::Dump::new());
    put_won
}

#[tokio::test(start_paused = true)]
async fn a_put_and_the_deletion_of_its_bucket_never_both_succeed() {
    for size in [10, THRESHOLD + 1] {
        let mut outcomes = Vec::new();
        for turns in 0..30 {
            outcomes.push(race(size, (turns, 0)).await);
            outcomes.push(race(size, (0, turns)).await);
        }
        assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_has_looked_its_bucket_up_does_not_land_behind_the_deletion() {
    for (family, size) in [('O', 10), ('O', THRESHOLD + 1), ('U', 0), ('P', 10), ('P', THRESHOLD + 1)] {
        let world = World::new().await;
        let upload = world.open_upload("k").await;
        world
            .engines
            .kv
            .strike(move |wrote| wrote.contains(family), world::Fault::Slow(Duration::from_secs(2)));
        let write = async {
            match family {
                'O' => world.put("k", &bytes(size, 1)).await.map(drop),
                'P' => world.upload(&upload, 1, &bytes(size, 1)).await.map(drop),
                _ => world.try_open_upload("other").await.map(drop),
            }
        };
        let delete = async {
            sleep(Duration::from_secs(1)).await;
            world.store.delete_bucket(&world.bucket).await.unwrap();
        };
        let (written, ()) = tokio::join!(write, delete);
        assert_eq!(world.engines.kv.struck(), 1);
        assert_eq!(refusal(written), Refusal::NoSuchBucket, "{family}");
        world.settle_for_good().await;
        assert_eq!(world.dump().await, world::Dump::new());
        let rows = world.engines.kv.rows().await;
        assert!(rows.iter().all(|(row, _)| row[0] == b'S'), "{rows:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_put_that_outlives_its_bucket_is_not_put_into_the_next_of_that_name() {
    let world = World::new().await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let whole = bytes(THRESHOLD + 1, 1);
    let (first, last) = (whole.slice(..THRESHOLD), whole.slice(THRESHOLD..));
    let stream = futures::stream::unfold(0, {
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move |turn| {
            let (begun, go_on, first, last) =
                (Arc::clone(&begun), Arc::clone(&go_on), first.clone(), last.clone());
            async move {
                match turn {
                    0 => Some((Ok(first), 1)),
                    1 => {
                        begun.notify_one();
                        go_on.notified().await;
                        Some((Ok(last), 2))
                    }
                    _ => None,
                }
            }
        }
    });
    let mut request = world.put_request("k", &Bytes::new());
    request.body.length = Some(whole.len() as u64);
    request.body.stream = Box::pin(sync_wrapper::SyncStream::new(stream));
    let exchange = async {
        begun.notified().await;
        world.store.delete_bucket(&world.bucket).await.unwrap();
        world.store.create_bucket(world.bucket.clone(), "owner").await.unwrap();
        go_on.notify_one();
    };
    let (put, ()) = tokio::join!(world.store.put_object(request), exchange);
    assert_eq!(refusal(put), Refusal::NoSuchBucket);
    world.settle_for_good().await;
    world.assert_empty().await;
    assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
}

#[tokio::test(start_paused = true)]
async fn racers_for_one_name_make_one_bucket() {
    let world = World::new().await;
    world.engines.steps.walk();
    let racers = (0..16).map(|n| {
        let owner = if n % 2 == 0 { "even" } else { "odd" };
        world.store.create_bucket(bucket("contested"), owner)
    });
    let outcomes = futures::future::join_all(racers).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        let refused = refusal(outcome);
        assert!(matches!(refused, Refusal::BucketAlreadyOwnedByYou | Refusal::BucketAlreadyExists));
    }
    let rows = world.engines.kv.rows().await;
    assert_eq!(rows.iter().filter(|(row, _)| row.starts_with(b"Bcontested")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_newer_layout_is_refused_with_the_version_it_needs() {
    let engines = World::new().await.stop().await;
    let newer = Bytes::copy_from_slice(&2_u32.to_be_bytes());
    engines.kv.plant(Mutation::Set { key: Bytes::from_static(b"Slayout"), value: newer }).await;
    let Err(error) = engines.try_open().await else { panic!("opened") };
    assert!(matches!(error, OpenError::NewerLayout { found: 2 }));
    assert!(error.to_string().contains("use a release that knows version 2"), "{error}");
    let tasks = Tasks::new();
    let inspected = Store::inspect(engines.parts(&tasks), &Registry::new()).await;
    assert!(matches!(inspected, Err(OpenError::NewerLayout { found: 2 })));
}

#[tokio::test(start_paused = true)]
async fn an_inline_max_above_the_cap_is_refused() {
    let mut engines = Engines::new(false);
    engines.settings.inline_max = Settings::INLINE_CAP + 1;
    assert!(matches!(engines.try_open().await, Err(OpenError::InlineMax(_))));
}

#[tokio::test(start_paused = true)]
async fn new_tiers_are_bound_and_open_again_together() {
    let engines = Engines::new(false);
    drop(engines.open().await.stop().await);
    let bound = engines.blobs.deployment().await.unwrap();
    assert!(bound.is_some());
    drop(engines.open().await);
    assert_eq!(engines.blobs.deployment().await.unwrap(), bound);
}

#[tokio::test(start_paused = true)]
async fn a_first_start_that_ended_between_the_tiers_binds_at_the_next() {
    let engines = Engines::new(false);
    engines.blobs.strike(Point::Bind, Fault::Refused(BlobErrorKind::Unavailable));
    assert!(matches!(engines.try_open().await, Err(OpenError::Failed(_))));
    assert_eq!(engines.blobs.struck(Point::Bind), 1);
    assert_eq!(engines.blobs.deployment().await.unwrap(), None);
    engines.blobs.strike(Point::Bind, Fault::AnswerLost);
    assert!(matches!(engines.try_open().await, Err(OpenError::Failed(_))));
    engines.open().await;
}

#[tokio::test(start_paused = true)]
async fn tiers_of_two_deployments_are_refused_with_both_ids() {
    let (ours, theirs) = (World::new().await.stop().await, World::new().await.stop().await);
    let (our_id, their_id) =
        (ours.blobs.deployment().await.unwrap().unwrap(), theirs.blobs.deployment().await.unwrap().unwrap());
    let mut mixed = ours.clone();
    mixed.blobs = Arc::clone(&theirs.blobs);
    // Both worlds are made from one seed: their ids differ all the same, or this test shows nothing.
    if our_id == their_id {
        let other = Bytes::from_static(&[7; 16]);
        ours.kv.plant(Mutation::Set { key: Bytes::from_static(b"Sdeployment"), value: other }).await;
    }
    let Err(error) = mixed.try_open().await else { panic!("opened") };
    let OpenError::Unbound { high_volume, long_term } = &error else { panic!("{error:?}") };
    assert_ne!(high_volume, long_term);
    assert_eq!(*long_term, their_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert!(error.to_string().contains(high_volume) && error.to_string().contains(long_term));
}

#[tokio::test(start_paused = true)]
async fn records_without_the_marker_of_their_blobs_are_refused_and_so_are_blobs_without_their_records() {
    let used = World::new().await.stop().await;
    let fresh = Engines::new(false);
    let (mut no_marker, mut no_records) = (used.clone(), used.clone());
    no_marker.blobs = Arc::clone(&fresh.blobs);
    no_records.kv = Arc::clone(&fresh.kv);
    for (engines, missing_long_term) in [(no_marker, true), (no_records, false)] {
        let Err(OpenError::Unbound { high_volume, long_term }) = engines.try_open().await else {
            panic!("opened")
        };
        let missing = if missing_long_term { long_term } else { high_volume };
        assert_eq!(missing, "(none)");
    }
    assert_eq!(fresh.blobs.deployment().await.unwrap(), None, "a refusal binds nothing");
    assert!(fresh.kv.rows().await.is_empty(), "a refusal writes nothing");
    used.open().await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_blob_is_not_found_and_counted_only_while_the_marker_can_be_read() {
    let world = World::new().await;
    world.put("k", &bytes(THRESHOLD + 1, 1)).await.unwrap();
    let blob = world.engines.blobs.all().await.remove(0);
    world.engines.blobs.lose(&blob).await;
    let unreadable = Fault::Refused(BlobErrorKind::Unavailable);
    world.engines.blobs.switch(Point::Deployment, Some(unreadable));
    assert_eq!(failure(world.get("k").await), FailureKind::Unavailable);
    assert_eq!(world.orphan_reads(), 0);
    world.engines.blobs.switch(Point::Deployment, None);
    assert_eq!(refusal(world.get("k").await), Refusal::NoSuchKey);
    assert_eq!(world.orphan_reads(), 1);
    // The record tells all but the bytes, and can be replaced and deleted.
    let listing = ListObjects {
        bucket: world.bucket.clone(),
        prefix: Bytes::new(),
        delimiter: Bytes::new(),
        after: Bytes::new(),
        limit: 10,
    };
    assert_eq!(world.store.list_objects(listing).await.unwrap().objects.len(), 1);
    world.put("k", &bytes(THRESHOLD + 1, 2)).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), bytes(THRESHOLD + 1, 2));
    world.delete("k").await.unwrap();
    world.settle().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_cannot_be_reached_is_never_taken_for_a_missing_blob() {
    let world = World::new().await;
    world.put("k", &bytes(THRESHOLD + 1, 1)).await.unwrap();
    for (kind, expected) in [
        (BlobErrorKind::Unavailable, FailureKind::Unavailable),
        (BlobErrorKind::TimedOut, FailureKind::TimedOut),
        (BlobErrorKind::Corrupt, FailureKind::Corrupt),
        (BlobErrorKind::Throttled, FailureKind::Throttled),
    ] {
        world.engines.blobs.strike(Point::Get, Fault::Refused(kind));
        assert_eq!(failure(world.get("k").await), expected);
    }
    assert_eq!(world.orphan_reads(), 0);
    assert_eq!(world.get("k").await.unwrap(), bytes(THRESHOLD + 1, 1));
}
