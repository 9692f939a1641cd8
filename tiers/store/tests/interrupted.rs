//! Writes that are interrupted at each of their steps, by a client that goes away or by the end of the process: each happens wholly or not at
//! all, and nothing is left behind.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::time::Duration;

use terrace_store::Error;
use tokio::runtime::{Builder, Runtime};
use world::{Act, Case, Engines, Ready, World, cases, polled};

/// More steps than any act has.
const ENDLESS: u64 = 10_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Polls the act `polls` times, with turns for all other tasks in between, and drops it. Whether it had ended.
async fn dropped_after(case: Case, polls: u64, may_lose_answers: bool) -> bool {
    let world = World::over(Engines::new(may_lose_answers)).await;
    let ready = case.prepare(&world).await;
    world.engines.steps.walk();
    let done = {
        let act = std::pin::pin!(case.act(&world, &ready));
        polled(act, polls).await.map(|outcome| {
            outcome.unwrap();
            true
        })
    };
    world.tasks.join(Duration::from_secs(600)).await.unwrap();
    world.engines.steps.run();
    case.verify(&world, &ready, done).await;
    done.is_some()
}

fn drop_at_every_poll(may_lose_answers: bool) {
    for case in cases() {
        let mut polls = 0;
        while !runtime().block_on(dropped_after(case, polls, may_lose_answers)) {
            polls += 1;
            assert!(polls < ENDLESS, "{case:?} does not end");
        }
        // Small acts wait for their task alone; a large one is polled for each chunk of its body.
        assert!(polls > if matches!(case.act, Act::Put(130_000)) { 5 } else { 1 }, "{case:?}: {polls} polls");
    }
}

#[test]
fn a_future_dropped_at_every_poll_leaves_nothing() {
    drop_at_every_poll(false);
}

#[test]
fn a_future_dropped_at_every_poll_leaves_nothing_where_answers_may_be_lost() {
    drop_at_every_poll(true);
}

/// What the process was doing when it ended.
#[derive(Clone, Copy, Debug)]
enum During {
    Act,
    /// The act is over: its cleanups, and reclaim.
    Settling,
}

/// Runs until step `last` of the act, which never ends: all tasks are dropped with their runtime. `None`: the step was reached; else the
/// outcome of the act.
fn process_until(
    engines: &Engines,
    (case, during): (Case, During),
    last: u64,
) -> (Ready, Option<Result<(), Error>>) {
    let first = runtime();
    let (world, ready, outcome) = first.block_on(async {
        let world = World::over(engines.clone()).await;
        let ready = case.prepare(&world).await;
        let work = async {
            if let During::Settling = during {
                case.act(&world, &ready).await?;
                engines.steps.end_at(last);
                world.settle_for_good().await;
                return Ok(());
            }
            engines.steps.end_at(last);
            case.act(&world, &ready).await
        };
        let outcome = tokio::select! {
            biased;
            outcome = work => Some(outcome),
            () = engines.steps.ended() => None,
        };
        (world, ready, outcome)
    });
    // The tasks go with their runtime, the store behind it: guards are dropped without one.
    drop(first);
    drop(world);
    engines.steps.run();
    (ready, outcome)
}

/// As [`process_until`], then another process recovers. Whether the act had ended before.
fn crashed_at(case: Case, during: During, last: u64, may_lose_answers: bool) -> bool {
    let engines = Engines::new(may_lose_answers);
    let (ready, outcome) = process_until(&engines, (case, during), last);
    let done = outcome.map(|outcome| outcome.unwrap());
    runtime().block_on(async {
        let world = engines.open().await;
        world.assert_sound().await;
        let told = match (during, done) {
            (During::Settling, _) | (During::Act, Some(())) => Some(true),
            (During::Act, None) => None,
        };
        case.verify(&world, &ready, told).await;
    });
    done.is_some()
}

fn crash_at_every_step(during: During, may_lose_answers: bool) {
    for case in cases() {
        let mut last = 1;
        while !crashed_at(case, during, last, may_lose_answers) {
            last += 1;
            assert!(last < ENDLESS, "{case:?} does not end");
        }
        assert!(last > 3, "{case:?}: {last} steps");
    }
}

#[test]
fn a_process_that_ends_at_any_step_of_a_write_leaves_it_whole_or_undone() {
    crash_at_every_step(During::Act, false);
}

#[test]
fn a_process_that_ends_at_any_step_of_a_write_leaves_it_whole_or_undone_where_answers_may_be_lost() {
    crash_at_every_step(During::Act, true);
}

#[test]
fn a_process_that_ends_at_any_step_of_reclaim_is_continued_by_the_next() {
    crash_at_every_step(During::Settling, false);
}

#[test]
fn a_process_that_ends_at_any_step_of_reclaim_is_continued_by_the_next_where_answers_may_be_lost() {
    crash_at_every_step(During::Settling, true);
}

#[test]
fn a_process_that_ends_at_any_step_of_recovery_is_followed_by_one_that_recovers() {
    let case = Case { act: Act::Put(130_000), before: Some(130_000) };
    for may_lose_answers in [false, true] {
        // Ends with the ticket open and the blob whole: the most that a recovery can find.
        let mut open = 1;
        let most = loop {
            let engines = Engines::new(may_lose_answers);
            let (_, outcome) = process_until(&engines, (case, During::Act), open);
            let rows = runtime().block_on(async { engines.kv.rows().await });
            let tickets = rows.iter().filter(|(row, value)| row[0] == b'T' && value[1] == 0).count();
            if tickets == 1 && engines.blobs.count() == 2 {
                break open;
            }
            assert!(outcome.is_none(), "no step leaves a ticket with its blob");
            open += 1;
        };
        for last in 1.. {
            let engines = Engines::new(may_lose_answers);
            let (ready, _) = process_until(&engines, (case, During::Act), most);
            let second = runtime();
            let recovered = second.block_on(async {
                engines.steps.end_at(last);
                tokio::select! {
                    biased;
                    world = engines.open() => Some(world),
                    () = engines.steps.ended() => None,
                }
            });
            drop(second);
            engines.steps.run();
            let is_over = recovered.is_some();
            drop(recovered);
            runtime().block_on(async {
                let world = engines.open().await;
                world.assert_sound().await;
                case.verify(&world, &ready, Some(false)).await;
            });
            if is_over {
                assert!(last > 5, "{last} steps");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_join_waits_for_the_cleanup_of_a_write_that_was_given_up() {
    let world = World::new().await;
    world.engines.steps.walk();
    let case = Case { act: Act::Put(130_000), before: None };
    let ready = case.prepare(&world).await;
    {
        let mut act = std::pin::pin!(case.act(&world, &ready));
        while !world.dump().await.contains_key(&'T') {
            assert!(futures::poll!(act.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert!(!world.tasks.under_way().is_empty());
    world.tasks.join(Duration::from_secs(600)).await.unwrap();
    let dump = world.dump().await;
    assert_eq!(dump.get(&'T'), None, "the ticket is gone when the join returns");
    case.verify(&world, &ready, Some(false)).await;
}

#[test]
fn a_guard_dropped_outside_a_runtime_leaves_its_ticket_to_the_next_start() {
    let engines = Engines::new(false);
    let first = runtime();
    let world = first.block_on(World::over(engines.clone()));
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let mut request = world.put_request("k", &world::bytes(130_000, 1));
    let held = futures::StreamExt::chain(
        request.body.stream,
        futures::StreamExt::filter_map(futures::stream::once(receive), |_| async { None }),
    );
    request.body.stream = Box::pin(sync_wrapper::SyncStream::new(held));
    let mut put = Box::pin(world.store.put_object(request));
    first.block_on(async {
        while !world.dump().await.contains_key(&'T') {
            assert!(futures::poll!(put.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    });
    drop(put);
    drop(send);
    drop(world);
    drop(first);
    runtime().block_on(async {
        let rows = engines.kv.rows().await;
        assert_eq!(rows.iter().filter(|(row, _)| row[0] == b'T').count(), 1);
        let world = engines.open().await;
        assert_eq!(world.dump().await.get(&'T'), None, "recovery at the start takes it");
        world.settle().await;
        world.assert_empty().await;
    });
}
