//! Readers of the long-term tier while what they read is overwritten, deleted, reclaimed or lost.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join;
use terrace_long_term::faults::{Fault as BlobFault, Point};
use terrace_store::ops::multipart::CopyPart;
use terrace_store::ops::object::{CopySource, Selection};
use terrace_store::{FailureKind, Refusal};
use tokio::time::sleep;
use world::{PART, THRESHOLD, World, bytes, collect, failure, key, refusal};

const LARGE: usize = THRESHOLD + 30_000;
const GRACE: Duration = Duration::from_secs(6);

#[tokio::test(start_paused = true)]
async fn a_reader_that_began_before_an_overwrite_reads_to_the_end_however_slow() {
    let world = World::new().await;
    let parts = [bytes(PART, 1), bytes(PART, 2), bytes(LARGE, 3)];
    let inline_last = [bytes(PART, 4), bytes(70_000, 5)];
    for (name, parts) in [("three", &parts[..]), ("two", &inline_last[..]), ("one", &parts[2..])] {
        if parts.len() == 1 {
            world.put(name, &parts[0]).await.unwrap();
        } else {
            world.put_parts(name, parts).await;
        }
        let whole: Bytes = parts.concat().into();
        let mut read = world.read(name, Selection::Whole).await.unwrap();
        let first = read.body.next().await.unwrap().unwrap();
        world.put(name, &bytes(10, 9)).await.unwrap();
        world.delete(name).await.unwrap();
        sleep(Duration::from_secs(3_600)).await;
        let rest = collect(read.body).await.unwrap();
        assert_eq!([first, rest].concat(), whole, "{name}");
        // The reader is gone: so are the bytes.
        sleep(Duration::from_secs(25 * 3_600)).await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_began_after_a_deletion_does_not_hold_its_bytes() {
    let world = World::new().await;
    world.put("old", &bytes(LARGE, 1)).await.unwrap();
    world.delete("old").await.unwrap();
    world.put("other", &bytes(LARGE, 2)).await.unwrap();
    let slow = world.read("other", Selection::Whole).await.unwrap();
    assert_eq!(world.engines.blobs.count(), 2);
    sleep(GRACE).await;
    assert_eq!(world.engines.blobs.count(), 1);
    assert_eq!(collect(slow.body).await.unwrap(), bytes(LARGE, 2));
}

#[tokio::test(start_paused = true)]
async fn a_get_whose_blob_has_gone_reads_the_record_again() {
    for replacement in [bytes(10, 2), bytes(LARGE, 2), Bytes::new()] {
        let world = World::new().await;
        world.put("k", &bytes(LARGE, 1)).await.unwrap();
        let old = world.engines.blobs.all().await.remove(0);
        world.engines.blobs.strike(Point::Get, BlobFault::Slow(Duration::from_secs(10)));
        let replace = async {
            sleep(Duration::from_secs(1)).await;
            world.put("k", &replacement).await.unwrap();
            world.engines.blobs.lose(&old).await;
        };
        let (got, ()) = join(world.get("k"), replace).await;
        assert_eq!(got.unwrap(), replacement);
        assert_eq!(world.orphan_reads(), 0);
    }
    let world = World::new().await;
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    let old = world.engines.blobs.all().await.remove(0);
    world.engines.blobs.strike(Point::Get, BlobFault::Slow(Duration::from_secs(10)));
    let delete = async {
        sleep(Duration::from_secs(1)).await;
        world.delete("k").await.unwrap();
        world.engines.blobs.lose(&old).await;
    };
    let (got, ()) = join(world.get("k"), delete).await;
    assert_eq!(refusal(got), Refusal::NoSuchKey);
    assert_eq!(world.orphan_reads(), 0, "deleted, not lost");
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_source_blob_has_gone_starts_again_from_the_record() {
    let world = World::new().await;
    world.put("source", &bytes(LARGE, 1)).await.unwrap();
    let old = world.engines.blobs.all().await.remove(0);
    world.engines.blobs.strike(Point::Copy, BlobFault::Slow(Duration::from_secs(10)));
    let replace = async {
        sleep(Duration::from_secs(1)).await;
        world.put("source", &bytes(LARGE + 1, 2)).await.unwrap();
        world.engines.blobs.lose(&old).await;
    };
    let (copied, ()) = join(world.store.copy_object(world.copy_request("source", "k")), replace).await;
    copied.unwrap();
    assert_eq!(world.get("k").await.unwrap(), bytes(LARGE + 1, 2));
    for name in ["k", "source"] {
        world.delete(name).await.unwrap();
    }
    world.settle().await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_in_the_middle_ends_in_an_error_and_never_short() {
    let world = World::new().await;
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    world.engines.blobs.strike(Point::Get, BlobFault::BreaksAt(70_000));
    let read = world.read("k", Selection::Whole).await.unwrap();
    assert!(collect(read.body).await.is_err());
    world.put_parts("k", &[bytes(PART, 1), bytes(LARGE, 2)]).await;
    for blob in world.engines.blobs.all().await {
        // The second part alone.
        let size =
            terrace_long_term::BlobStore::head(&*world.engines.blobs, &blob).await.unwrap().unwrap().size;
        if size == LARGE as u64 {
            world.engines.blobs.lose(&blob).await;
        }
    }
    let read = world.read("k", Selection::Whole).await.unwrap();
    assert!(collect(read.body).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_source_breaks_is_a_failure_of_ours_and_not_of_the_clients_body() {
    let world = World::new().await;
    world.put("source", &bytes(LARGE, 1)).await.unwrap();
    world.put_parts("parts", &[bytes(PART, 1), bytes(LARGE, 2)]).await;
    let upload = world.open_upload("upload").await;
    for (name, size) in [("source", 10), ("source", LARGE - 7), ("parts", LARGE)] {
        let (bucket, key) = (world.bucket.clone(), key(name));
        let source = CopySource { bucket, key, condition: Default::default() };
        let range = Some((7, 6 + size as u64));
        let request = CopyPart { upload: upload.clone(), number: world::number(1), source, range };
        world.engines.blobs.strike(Point::Get, BlobFault::BreaksAt(5));
        assert_eq!(failure(world.store.copy_part(request).await), FailureKind::Unavailable, "{name} {size}");
    }
    world.engines.blobs.strike(Point::Get, BlobFault::BreaksAt(5));
    let copied = world.store.copy_object(world.copy_request("parts", "k")).await;
    assert_eq!(failure(copied), FailureKind::Unavailable);
    world.settle().await;
    world.assert_sound().await;
    assert_eq!(world.engines.blobs.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_while_the_store_is_frozen_and_all_of_it_afterwards() {
    let world = World::new().await;
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    let frozen = world.store.freeze().await;
    world.put("k", &bytes(LARGE, 2)).await.unwrap();
    world.delete("k").await.unwrap();
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(world.engines.blobs.count(), 2);
    drop(frozen);
    sleep(GRACE).await;
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn waste_queued_under_a_clock_that_ran_ahead_holds_nothing_back() {
    const YEAR_MS: i64 = 365 * 24 * 3_600 * 1_000;
    let world = World::new().await;
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    world.engines.clock.shift_ms(YEAR_MS);
    world.put("k", &bytes(LARGE, 2)).await.unwrap();
    world.engines.clock.shift_ms(-YEAR_MS);
    world.put("k", &bytes(LARGE, 3)).await.unwrap();
    assert_eq!(world.engines.blobs.count(), 3);
    // The worker may have gone to sleep for its longest while, and both classes are looked at.
    sleep(Duration::from_secs(120)).await;
    assert_eq!(world.engines.blobs.count(), 1);
    assert_eq!(world.get("k").await.unwrap(), bytes(LARGE, 3));
    world.assert_sound().await;
}
