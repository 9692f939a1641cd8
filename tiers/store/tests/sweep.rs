//! The sweeper takes what nothing names, and nothing else, at whatever moment it looks.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::time::Duration;

use terrace_long_term::faults::{Fault, Point};
use terrace_long_term::{BlobKey, BlobStore, SizeHint};
use terrace_store::ops::object::Selection;
use tokio::runtime::Builder;
use world::{Case, Engines, World, bytes, cases, polled, stream_of};

const LARGE: usize = world::THRESHOLD + 30_000;

/// A blob under the name of a key, put behind the store's back, and named by nothing.
async fn orphan(world: &World, key: &'static str, rev: [u8; 16]) -> BlobKey {
    world.put(key, &bytes(LARGE, 9)).await.unwrap();
    let bid = world.engines.blobs.all().await.iter().find(|blob| blob.key == key).unwrap().bid;
    let blob = BlobKey { bid, key: key.into(), rev };
    let body = bytes(LARGE, 8);
    let hint = SizeHint::Exact(body.len() as u64);
    world.engines.blobs.put(&blob, stream_of(&body, 40_000), hint).await.unwrap();
    blob
}

/// Every kind of thing that may name a blob, and what may not.
async fn everything(world: &World) {
    world.put("small", &bytes(10, 1)).await.unwrap();
    world.put("large", &bytes(LARGE, 2)).await.unwrap();
    world.put("replaced", &bytes(LARGE, 3)).await.unwrap();
    world.put("replaced", &bytes(LARGE, 4)).await.unwrap();
    world.put_parts("parts", &[bytes(world::PART, 5), bytes(LARGE, 6)]).await;
    let upload = world.open_upload("open").await;
    world.upload(&upload, 1, &bytes(LARGE, 7)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_nothing_names_goes_once_it_is_old_and_all_else_stays() {
    let world = World::new().await;
    everything(&world).await;
    let old = orphan(&world, "old", [1; 16]).await;
    let mut young = [7; 16];
    young[..6].copy_from_slice(&world.now_ms().to_be_bytes()[2..]);
    let young = orphan(&world, "young", young).await;

    assert_eq!(world.store.sweep_now().await.unwrap(), 1);
    assert_eq!(world.store.sweep_now().await.unwrap(), 0, "it waits in the queue now");
    world.settle().await;
    let left = world.engines.blobs.all().await;
    assert!(!left.contains(&old) && left.contains(&young));

    world.engines.clock.pass(Duration::from_secs(3_601));
    assert_eq!(world.store.sweep_now().await.unwrap(), 1, "the other is old now as well");
    world.settle().await;
    world.assert_sound().await;
    for (name, body) in [("small", bytes(10, 1)), ("large", bytes(LARGE, 2)), ("replaced", bytes(LARGE, 4))] {
        assert_eq!(world.get(name).await.unwrap(), body, "{name}");
    }
    assert_eq!(world.get("parts").await.unwrap().len(), world::PART + LARGE);
}

#[tokio::test(start_paused = true)]
async fn the_worker_finds_a_put_that_landed_after_its_ticket_was_settled() {
    let mut engines = Engines::new(false);
    engines.settings.sweep_age = Duration::from_secs(100_000);
    let world = World::over(engines).await;
    world.engines.blobs.strike(Point::Put, Fault::LandsLate(Duration::from_secs(30 * 3_600)));
    world.put("late", &bytes(LARGE, 1)).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(29 * 3_600)).await;
    assert_eq!(world.engines.blobs.count(), 0, "the queue has given up looking for it");
    tokio::time::sleep(Duration::from_secs(2 * 3_600)).await;
    assert_eq!(world.engines.blobs.count(), 1, "there it is");
    tokio::time::sleep(Duration::from_secs(3 * 100_000)).await;
    assert_eq!(world.engines.blobs.count(), 0);
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_another_deployments_blobs_takes_nothing() {
    let world = World::new().await;
    let blob = orphan(&world, "old", [1; 16]).await;
    world
        .engines
        .blobs
        .switch(Point::Deployment, Some(Fault::Refused(terrace_long_term::BlobErrorKind::Unavailable)));
    world.store.sweep_now().await.unwrap_err();
    world.engines.blobs.switch(Point::Deployment, None);
    world.settle().await;
    assert!(world.engines.blobs.all().await.contains(&blob));
    assert_eq!(world.read("old", Selection::Whole).await.unwrap().info.size, LARGE as u64);
}

/// A sweep that begins after so many polls of a write, and goes on beside it. Whether the write had ended before.
async fn swept_beside(case: Case, polls: u64) -> bool {
    let mut engines = Engines::new(false);
    engines.settings.sweep_age = Duration::ZERO;
    let world = World::over(engines).await;
    let ready = case.prepare(&world).await;
    world.engines.steps.walk();
    let done;
    {
        let mut act = std::pin::pin!(case.act(&world, &ready));
        done = polled(act.as_mut(), polls).await;
        world.engines.clock.pass(Duration::from_millis(10));
        let sweep = world.store.sweep_now();
        if done.is_some() {
            assert_eq!(sweep.await.unwrap(), 0, "{case:?}");
        } else {
            let (swept, outcome) = futures::join!(sweep, act);
            outcome.unwrap();
            assert_eq!(swept.unwrap(), 0, "{case:?} after {polls} polls");
        }
    }
    world.engines.steps.run();
    case.verify(&world, &ready, Some(true)).await;
    done.is_some()
}

#[test]
fn a_sweep_at_any_moment_of_a_write_takes_nothing() {
    for case in cases() {
        let mut polls = 0;
        let run = |polls| {
            let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(swept_beside(case, polls))
        };
        while !run(polls) {
            polls += 1;
            assert!(polls < 10_000, "{case:?} does not end");
        }
    }
}
