//! Commits whose answer is lost: each write happens once or not at all, and nothing live is deleted, whatever became of the attempt.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use terrace_high_volume::KvErrorKind;
use terrace_store::FailureKind;
use world::{Case, Fault, World, bytes, cases, failure};

const OF_A_COMMIT: [Fault; 6] = [
    Fault::AnswerLost { settled: true },
    Fault::AnswerLost { settled: false },
    Fault::Vanished { settled: true },
    Fault::Vanished { settled: false },
    Fault::LandsBeforeNext,
    Fault::LandsLate,
];

/// One act whose record commit, or `times` of them, meet `fault`; the client is told of success.
async fn act_through(case: Case, fault: Fault, times: u64) {
    let world = World::lossy().await;
    let ready = case.prepare(&world).await;
    world.engines.kv.strike_times(move |wrote| wrote.contains(case.record()), fault, times);
    case.act(&world, &ready).await.unwrap_or_else(|error| panic!("{case:?} {fault:?}: {error:?}"));
    assert!(world.engines.kv.struck() > 0, "{case:?}");
    world.engines.kv.no_more_strikes();
    for landed in world.engines.kv.land_late().await {
        assert_eq!(landed, Err(KvErrorKind::Conflict), "{case:?}: landed behind its barrier");
    }
    case.verify(&world, &ready, Some(true)).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_commit_lost_its_answer_is_written_exactly_once() {
    for case in cases() {
        for fault in OF_A_COMMIT {
            act_through(case, fault, 1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_lost_again_and_again() {
    for case in cases() {
        for fault in OF_A_COMMIT {
            act_through(case, fault, 3).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_barrier_whose_own_answer_is_lost_is_tried_until_one_is_certain() {
    for case in cases() {
        for landing in [Fault::LandsLate, Fault::LandsBeforeNext] {
            let world = World::lossy().await;
            let ready = case.prepare(&world).await;
            world.engines.kv.strike(move |wrote| wrote.contains(case.record()), landing);
            // A barrier writes no row.
            world.engines.kv.strike_times(str::is_empty, Fault::Vanished { settled: false }, 2);
            case.act(&world, &ready).await.unwrap();
            assert_eq!(world.engines.kv.struck(), 3);
            for landed in world.engines.kv.land_late().await {
                assert_eq!(landed, Err(KvErrorKind::Conflict), "{case:?}");
            }
            case.verify(&world, &ready, Some(true)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_whose_opening_lost_its_answer_is_opened_once() {
    for case in cases().into_iter().filter(|case| case.is_large()) {
        for fault in OF_A_COMMIT {
            let world = World::lossy().await;
            let ready = case.prepare(&world).await;
            world.engines.kv.strike(|wrote| wrote == "T", fault);
            case.act(&world, &ready).await.unwrap();
            assert_eq!(world.engines.kv.struck(), 1);
            for landed in world.engines.kv.land_late().await {
                assert_eq!(landed, Err(KvErrorKind::Conflict), "{case:?}");
            }
            case.verify(&world, &ready, Some(true)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_reclaim_commits_is_done_once_however_its_answer_is_lost() {
    for case in cases() {
        for fault in OF_A_COMMIT {
            let world = World::lossy().await;
            let ready = case.prepare(&world).await;
            case.act(&world, &ready).await.unwrap();
            world.engines.kv.strike_times(|wrote| wrote.contains('G') && !wrote.contains('O'), fault, 2);
            case.verify(&world, &ready, Some(true)).await;
            world.engines.kv.land_late().await;
            world.assert_empty().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_that_cannot_be_looked_up_until_the_deadline_is_maybe_committed_and_nothing_live_is_deleted()
 {
    for case in cases() {
        for (fault, happened) in [
            (Fault::AnswerLost { settled: true }, true),
            (Fault::AnswerLost { settled: false }, true),
            (Fault::Vanished { settled: true }, false),
            (Fault::Vanished { settled: false }, false),
        ] {
            let world = World::lossy_and_hasty().await;
            let ready = case.prepare(&world).await;
            world.engines.kv.strike(move |wrote| wrote.contains(case.record()), fault);
            world.engines.kv.cut_after_strike();
            let told = failure(case.act(&world, &ready).await);
            assert_eq!(told, FailureKind::MaybeCommitted, "{case:?} {fault:?}");
            world.engines.kv.mend();
            case.verify(&world, &ready, Some(happened)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_lands_after_its_client_was_told_maybe_is_whole_or_nothing() {
    for case in cases() {
        let world = World::lossy_and_hasty().await;
        let ready = case.prepare(&world).await;
        world.engines.kv.strike(move |wrote| wrote.contains(case.record()), Fault::LandsLate);
        world.engines.kv.cut_after_strike();
        assert_eq!(failure(case.act(&world, &ready).await), FailureKind::MaybeCommitted);
        // The attempt has outlived its client: it lands, or it meets the cleanup of a large write and never will.
        world.engines.kv.mend();
        world.engines.kv.land_late().await;
        case.verify(&world, &ready, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_lands_after_the_cleanup_of_its_large_write_is_fenced() {
    for case in cases().into_iter().filter(|case| case.is_large()) {
        let world = World::lossy_and_hasty().await;
        let ready = case.prepare(&world).await;
        world.engines.kv.strike(move |wrote| wrote.contains(case.record()), Fault::LandsLate);
        world.engines.kv.cut_after_strike();
        assert_eq!(failure(case.act(&world, &ready).await), FailureKind::MaybeCommitted);
        world.engines.kv.mend();
        world.tasks.join(std::time::Duration::from_secs(600)).await.unwrap();
        let landed = world.engines.kv.land_late().await;
        assert_eq!(landed.len(), 1);
        assert!(landed[0].is_err(), "{case:?}: a commit passed the one that took its ticket away");
        case.verify(&world, &ready, Some(false)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_lands_after_its_write_was_given_up_does_not_stay() {
    for case in cases().into_iter().filter(|case| case.is_large()) {
        let world = World::lossy_and_hasty().await;
        let ready = case.prepare(&world).await;
        world.engines.kv.strike(|wrote| wrote == "T", Fault::LandsLate);
        world.engines.kv.cut_after_strike();
        assert_eq!(failure(case.act(&world, &ready).await), FailureKind::Unavailable);
        world.engines.kv.mend();
        world.tasks.join(std::time::Duration::from_secs(600)).await.unwrap();
        world.engines.kv.land_late().await;
        case.verify(&world, &ready, Some(false)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_whose_fate_is_unknown_is_looked_up_in_its_row_until_it_is_known() {
    // A creation that lands inside the next one is not asked for: who made the bucket is then anybody's guess.
    let decided = OF_A_COMMIT.into_iter().filter(|fault| !matches!(fault, Fault::LandsBeforeNext));
    for fault in decided {
        for is_creation in [true, false] {
            let world = World::lossy_and_hasty().await;
            if is_creation {
                world.store.delete_bucket(&world.bucket).await.unwrap();
            }
            world.engines.kv.strike(|wrote| wrote.contains('B'), fault);
            world.engines.kv.cut_after_strike();
            let change = async {
                if is_creation {
                    world.store.create_bucket(world.bucket.clone(), "owner").await
                } else {
                    world.store.delete_bucket(&world.bucket).await
                }
            };
            // Mended after the deadline, in time for whatever looks at the row.
            let mend = async {
                tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
                world.engines.kv.mend();
            };
            let (told, ()) = futures::future::join(change, mend).await;
            assert_eq!(failure(told), FailureKind::MaybeCommitted);
            world.engines.kv.land_late().await;
            let is_there = world.engines.kv.rows().await.iter().any(|(row, _)| **row == *b"Bbucket");
            assert_eq!(
                world.store.head_bucket(&world.bucket).await.is_ok(),
                is_there,
                "{fault:?} {is_creation}"
            );
            assert_eq!(world.store.list_buckets().await.unwrap().len(), usize::from(is_there));
            assert_eq!(world.put("k", &bytes(10, 1)).await.is_ok(), is_there);
            let again = world.store.create_bucket(world.bucket.clone(), "owner").await;
            assert_eq!(again.is_ok(), !is_there);
            assert_eq!(world.store.list_buckets().await.unwrap().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn witnesses_are_cleared_by_the_writes_behind_them_and_by_a_stop() {
    let world = World::lossy().await;
    for n in 0..200 {
        world.put(&format!("k{}", n % 7), &bytes(10, 1)).await.unwrap();
    }
    assert!(world.witnesses().await <= 2, "{}", world.witnesses().await);
    let puts = (0..200).map(|n| world.put(["a", "b"][n % 2], &WORD));
    futures::future::join_all(puts).await;
    for _ in 0..10 {
        world.put("a", &bytes(10, 1)).await.unwrap();
    }
    assert!(world.witnesses().await <= 2, "{}", world.witnesses().await);
}

static WORD: bytes::Bytes = bytes::Bytes::from_static(b"word");

#[tokio::test(start_paused = true)]
async fn witnesses_of_operations_that_ended_in_maybe_are_cleared_by_the_next_start() {
    let world = World::lossy().await;
    world.engines.kv.strike(|wrote| wrote.contains('O'), Fault::AnswerLost { settled: false });
    world.engines.kv.cut_after_strike();
    assert_eq!(failure(world.put("k", &bytes(10, 1)).await), FailureKind::MaybeCommitted);
    world.engines.kv.mend();
    let world = world.reopen().await;
    assert_eq!(world.get("k").await.unwrap(), bytes(10, 1));
    assert!(world.witnesses().await <= 1);
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_opening_lands_late_is_opened_once_and_not_again_after_its_end() {
    for fault in OF_A_COMMIT {
        let world = World::lossy().await;
        world.engines.kv.strike(|wrote| wrote.contains('U'), fault);
        let upload = world.open_upload("k").await;
        assert_eq!(world.engines.kv.struck(), 1);
        assert_eq!(world.dump().await.get(&'U'), Some(&1), "{fault:?}");
        world.store.abort_upload(upload).await.unwrap();
        for landed in world.engines.kv.land_late().await {
            assert_eq!(
                landed,
                Err(KvErrorKind::Conflict),
                "a write without a read is held by its witness alone"
            );
        }
        world.settle_for_good().await;
        world.assert_empty().await;
    }
}
