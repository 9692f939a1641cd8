//! The tiered store: routing, races, faults of both tiers, fences, room. Readers: `readers.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::time::Duration;

use bytes::Bytes;
use futures::future::{join, join_all};
use terrace_high_volume::KvErrorKind;
use terrace_long_term::faults::{Fault as BlobFault, Point};
use terrace_long_term::{BlobErrorKind, PutOutcome};
use terrace_store::object::{DeleteCondition, ETagList, WriteCondition};
use terrace_store::ops::object::Selection;
use terrace_store::{Error, FailureKind, Refusal};
use tokio::time::sleep;
use world::{Act, Case, Counters, Fault, THRESHOLD, World, bytes, cases, collect, failure, key, refusal};

const LARGE: usize = THRESHOLD + 30_000;
const GRACE: Duration = Duration::from_secs(6);

fn if_absent() -> WriteCondition {
    WriteCondition { if_match: None, if_none_match: Some(ETagList::Any) }
}

// Routing.

#[tokio::test(start_paused = true)]
async fn one_record_decides_a_read_and_the_long_term_tier_is_asked_for_large_bytes_alone() {
    let world = World::new().await;
    world.put("small", &bytes(THRESHOLD, 1)).await.unwrap();
    world.put("large", &bytes(LARGE, 1)).await.unwrap();
    world.engines.blobs.take_requests();
    for name in ["small", "large"] {
        world.store.head_object(world.get_request(name, Selection::Whole)).await.unwrap();
    }
    world.get("small").await.unwrap();
    refusal(world.get("absent").await);
    assert_eq!(world.engines.blobs.take_requests().total(), 0);
    world.get("large").await.unwrap();
    let requests = world.engines.blobs.take_requests();
    assert_eq!((requests.gets, requests.total()), (1, 1));
}

// Races.

#[tokio::test(start_paused = true)]
async fn sixty_four_unconditional_writers_of_one_key_all_commit_and_one_body_stays() {
    for may_lose_answers in [false, true] {
        let world = World::over(world::Engines::new(may_lose_answers)).await;
        world.engines.steps.walk();
        let size = |n: u8| if n.is_multiple_of(3) { LARGE } else { 500 + usize::from(n) };
        let puts = (0..64).map(|n| {
            let (world, sent) = (&world, bytes(size(n), n));
            async move { world.put("k", &sent).await.unwrap().etag }
        });
        let etags = join_all(puts).await;
        world.engines.steps.run();
        let found = world.read("k", Selection::Whole).await.unwrap();
        let winner = etags.iter().position(|etag| *etag == found.info.etag).unwrap() as u8;
        let sent = bytes(size(winner), winner);
        assert_eq!(collect(found.body).await.unwrap(), sent);
        world.settle().await;
        assert_eq!(world.get("k").await.unwrap(), sent);
        let counters = Counters { objects: 1, bytes: sent.len() as i64, upload_bytes: 0 };
        assert_eq!(world.counters().await, counters);
        assert_eq!(world.engines.blobs.count(), u64::from(sent.len() == LARGE));
        world.assert_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_sixty_four_racers_for_an_absent_key_exactly_one_wins_and_the_others_leave_nothing() {
    for (size, may_lose_answers) in [(10, false), (LARGE, false), (10, true), (LARGE, true)] {
        let world = World::over(world::Engines::new(may_lose_answers)).await;
        world.engines.steps.walk();
        let puts = (0..64).map(|n| {
            let mut request = world.put_request("k", &bytes(size, n));
            request.condition = if_absent();
            world.store.put_object(request)
        });
        let outcomes = join_all(puts).await;
        world.engines.steps.run();
        let winners: Vec<_> = (0..64_u8).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
        let [(winner, _)] = winners.as_slice() else { panic!("{} won", winners.len()) };
        let winner = *winner;
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(outcome), Refusal::PreconditionFailed("If-None-Match"));
        }
        world.settle().await;
        assert_eq!(world.get("k").await.unwrap(), bytes(size, winner));
        assert_eq!(world.engines.blobs.count(), u64::from(size == LARGE));
        world.assert_sound().await;
    }
}

#[tokio::test(start_paused = true)]
async fn compare_and_swap_by_etag_loses_no_update() {
    const WRITERS: usize = 12;
    const UPDATES: usize = 5;
    let world = World::new().await;
    world.put("k", &Bytes::from_static(b"0")).await.unwrap();
    world.engines.steps.walk();
    let writers = (0..WRITERS).map(|_| async {
        for _ in 0..UPDATES {
            loop {
                let read = world.read("k", Selection::Whole).await.unwrap();
                let count: usize =
                    std::str::from_utf8(&collect(read.body).await.unwrap()).unwrap().parse().unwrap();
                let mut request = world.put_request("k", &Bytes::from((count + 1).to_string()));
                request.condition.if_match = Some(ETagList::These(vec![read.info.etag.to_string()]));
                match world.store.put_object(request).await {
                    Ok(_) => break,
                    Err(Error::Refused(Refusal::PreconditionFailed(_))) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
    join_all(writers).await;
    world.engines.steps.run();
    assert_eq!(world.get("k").await.unwrap(), (WRITERS * UPDATES).to_string());
}

#[tokio::test(start_paused = true)]
async fn whatever_races_on_few_keys_the_counters_are_the_sums_and_nothing_leaks() {
    for may_lose_answers in [false, true] {
        let world = World::over(world::Engines::new(may_lose_answers)).await;
        world.engines.steps.walk();
        let names = ["a", "b", "c"];
        let acts = (0..120_usize).map(|n| {
            let world = &world;
            async move {
                for _ in 0..n % 17 {
                    tokio::task::yield_now().await;
                }
                let (name, other) = (names[n % 3], names[(n / 3) % 3]);
                let outcome = match n % 7 {
                    0 | 1 => world.put(name, &bytes(400 + n, 1)).await.map(drop),
                    2 | 3 => world.put(name, &bytes(LARGE + n, 1)).await.map(drop),
                    4 => world.delete(name).await,
                    5 => {
                        world.put_parts(name, &[bytes(LARGE + n, 2)]).await;
                        Ok(())
                    }
                    _ => world.store.copy_object(world.copy_request(other, name)).await.map(drop),
                };
                match outcome {
                    Ok(()) | Err(Error::Refused(Refusal::NoSuchKey | Refusal::InvalidRequest(_))) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        join_all(acts).await;
        world.engines.steps.run();
        world.assert_sound().await;
        world.settle_for_good().await;
        let mut expected = Counters::default();
        for name in names {
            if let Ok(found) = world.get(name).await {
                expected.objects += 1;
                expected.bytes += found.len() as i64;
            }
        }
        assert_eq!(world.counters().await, expected);
        world.assert_sound().await;
        for name in names {
            world.delete(name).await.unwrap();
        }
        world.settle_for_good().await;
        world.assert_empty().await;
    }
}

// Faults of the high-volume tier.

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_written_leaves_no_orphan_and_what_was_there() {
    for case in cases() {
        for (kind, expected) in
            [(KvErrorKind::Bug, FailureKind::Bug), (KvErrorKind::TooLarge, FailureKind::Bug)]
        {
            let world = World::new().await;
            let ready = case.prepare(&world).await;
            world.engines.kv.strike(move |wrote| wrote.contains(case.record()), Fault::Refused(kind));
            assert_eq!(failure(case.act(&world, &ready).await), expected, "{case:?}");
            assert_eq!(world.engines.kv.struck(), 1);
            case.verify(&world, &ready, Some(false)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_committed_runs_again_until_its_deadline_and_then_its_blob_goes() {
    for case in cases() {
        for kind in
            [KvErrorKind::Conflict, KvErrorKind::TooOld, KvErrorKind::Unavailable, KvErrorKind::Throttled]
        {
            let world = World::new().await;
            let ready = case.prepare(&world).await;
            let is_record = move |wrote: &str| wrote.contains(case.record());
            world.engines.kv.strike_times(is_record, Fault::Refused(kind), 5);
            case.act(&world, &ready).await.unwrap();
            assert_eq!(world.engines.kv.struck(), 5);
            case.verify(&world, &ready, Some(true)).await;

            let world = World::new().await;
            let ready = case.prepare(&world).await;
            world.engines.kv.strike_times(is_record, Fault::Refused(kind), u64::MAX);
            assert_eq!(failure(case.act(&world, &ready).await), FailureKind::TimedOut, "{case:?}");
            world.engines.kv.no_more_strikes();
            case.verify(&world, &ready, Some(false)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_cannot_be_recorded_keeps_its_blob_from_being_finished() {
    for case in cases().into_iter().filter(|case| case.is_large()) {
        let world = World::new().await;
        let ready = case.prepare(&world).await;
        let before = world.engines.blobs.count();
        world.engines.kv.strike(|wrote| wrote == "T", Fault::Refused(KvErrorKind::Bug));
        assert_eq!(failure(case.act(&world, &ready).await), FailureKind::Unavailable);
        assert_eq!(world.engines.kv.struck(), 1);
        assert_eq!(world.engines.blobs.count(), before);
        case.verify(&world, &ready, Some(false)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_comes_back_gets_the_tickets_of_writes_that_failed_meanwhile() {
    for case in cases().into_iter().filter(|case| case.is_large()) {
        let world = World::new().await;
        let ready = case.prepare(&world).await;
        world.engines.kv.strike(move |w| w.contains(case.record()), Fault::Refused(KvErrorKind::Unavailable));
        world.engines.kv.cut_after_strike();
        assert_eq!(failure(case.act(&world, &ready).await), FailureKind::TimedOut);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(world.dump().await.get(&'T'), Some(&1), "the ticket keeps the blob's name meanwhile");
        world.assert_tickets_name_blobs().await;
        world.engines.kv.mend();
        case.verify(&world, &ready, Some(false)).await;
    }
}

// Faults of the long-term tier.

#[tokio::test(start_paused = true)]
async fn a_put_that_the_long_term_tier_does_not_finish_leaves_nothing_however_it_ended() {
    for case in [
        Case { act: Act::Put(130_000), before: Some(70_000) },
        Case { act: Act::Part(130_000), before: None },
    ] {
        for (fault, expected) in [
            (BlobFault::Refused(BlobErrorKind::Unavailable), FailureKind::Unavailable),
            (BlobFault::Refused(BlobErrorKind::NoSpace), FailureKind::NoSpace),
            (BlobFault::AnswerLost, FailureKind::TimedOut),
            (BlobFault::PutCut { at: 40_001, outcome: PutOutcome::Settled }, FailureKind::Unavailable),
            (BlobFault::PutCut { at: 40_001, outcome: PutOutcome::Unknown }, FailureKind::Unavailable),
            (BlobFault::PutCut { at: u64::MAX, outcome: PutOutcome::Unknown }, FailureKind::Unavailable),
            (BlobFault::LandsLate(Duration::from_secs(3_600)), FailureKind::Unavailable),
        ] {
            let world = World::new().await;
            let ready = case.prepare(&world).await;
            let before = world.engines.blobs.struck(Point::Put);
            world.engines.blobs.strike(Point::Put, fault);
            assert_eq!(failure(case.act(&world, &ready).await), expected, "{fault:?}");
            assert_eq!(world.engines.blobs.struck(Point::Put), before + 1);
            // Long enough for the blob that lands late to be there, and to be met by the second deletion.
            sleep(Duration::from_secs(3_700)).await;
            world.assert_sound().await;
            case.verify(&world, &ready, Some(false)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_stalled_put_leaves_nothing() {
    let world = World::new().await;
    for fault in [BlobFault::Stalled, BlobFault::StallsAt(40_001), BlobFault::StallsAt(u64::MAX)] {
        world.engines.blobs.strike(Point::Put, fault);
        let put = tokio::time::timeout(Duration::from_secs(60), world.put("k", &bytes(LARGE, 1))).await;
        assert!(put.is_err());
        world.settle().await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_delete_on_the_long_term_tier_fails_no_client_and_is_tried_again() {
    let world = World::new().await;
    for fault in [BlobFault::Refused(BlobErrorKind::Unavailable), BlobFault::AnswerLost] {
        for name in ["a", "b", "c"] {
            world.put(name, &bytes(LARGE, 1)).await.unwrap();
        }
        world.engines.blobs.switch(Point::Delete, Some(fault));
        for name in ["a", "b", "c"] {
            world.delete(name).await.unwrap();
            assert_eq!(refusal(world.get(name).await), Refusal::NoSuchKey);
        }
        sleep(Duration::from_secs(600)).await;
        assert!(world.engines.blobs.struck(Point::Delete) >= 6);
        assert_eq!(world.dump().await.get(&'G'), Some(&3));
        world.engines.blobs.switch(Point::Delete, None);
        // By the worker, which nobody wakes.
        sleep(Duration::from_secs(120)).await;
        world.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_failed_delete_among_others_is_tried_again_without_being_asked() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.put(name, &bytes(LARGE, 1)).await.unwrap();
        world.delete(name).await.unwrap();
    }
    world.engines.blobs.strike(Point::Delete, BlobFault::Refused(BlobErrorKind::Unavailable));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(world.engines.blobs.struck(Point::Delete), 1);
    world.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn blobs_that_cannot_be_deleted_hold_back_neither_uploads_nor_manifests() {
    let world = World::new().await;
    let upload = world.open_upload("upload").await;
    world.upload(&upload, 1, &bytes(10, 1)).await.unwrap();
    world.put("k", &bytes(LARGE, 1)).await.unwrap();
    world.engines.blobs.switch(Point::Delete, Some(BlobFault::Refused(BlobErrorKind::Unavailable)));
    world.delete("k").await.unwrap();
    sleep(GRACE).await;
    world.store.abort_upload(upload).await.unwrap();
    sleep(Duration::from_secs(25 * 3_600)).await;
    let dump = world.dump().await;
    assert_eq!(dump.get(&'P'), None, "the parts of the aborted upload are gone");
    assert_eq!(dump.get(&'W'), None, "the upload is forgotten after a day");
    assert_eq!((dump.get(&'G'), dump.get(&'*')), (Some(&1), Some(&1)));
    world.engines.blobs.switch(Point::Delete, None);
    sleep(Duration::from_secs(120)).await;
    world.assert_empty().await;
}

// Fences and peers.

#[tokio::test(start_paused = true)]
async fn a_zombie_whose_ticket_was_taken_never_commits_and_a_winner_is_never_taken() {
    for may_lose_answers in [false, true] {
        let mut outcomes = Vec::new();
        for turns in 0..40 {
            let zombie = World::over(world::Engines::new(may_lose_answers)).await;
            let peer = zombie.engines.open().await;
            zombie.put("k", &bytes(LARGE, 1)).await.unwrap();
            zombie.engines.steps.walk();
            let sent = bytes(LARGE, 2);
            let recover = async {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                peer.store.recover_node(zombie.store.node()).await.unwrap()
            };
            let (put, _) = join(zombie.put("k", &sent), recover).await;
            zombie.engines.steps.run();
            let won = put.is_ok();
            if !won {
                assert_eq!(failure(put), FailureKind::Unavailable);
            }
            outcomes.push(won);
            // What the zombie leaves, if anything, its own cleanup or the peer takes.
            zombie.settle().await;
            peer.settle().await;
            assert_eq!(peer.get("k").await.unwrap(), bytes(LARGE, if won { 2 } else { 1 }));
            assert_eq!(failure(zombie.put("k", &sent).await), FailureKind::Unavailable, "fenced");
            peer.delete("k").await.unwrap();
            zombie.settle().await;
            peer.settle().await;
            peer.assert_empty().await;
        }
        assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_opens_after_its_node_was_fenced_never_leads_to_a_commit() {
    for fault in
        [Fault::LandsBeforeNext, Fault::AnswerLost { settled: false }, Fault::Vanished { settled: true }]
    {
        let zombie = World::lossy().await;
        let peer = zombie.engines.open().await;
        let sent = bytes(LARGE, 1);
        zombie.engines.kv.strike(|wrote| wrote == "T", fault);
        let fence = async {
            // The first attempt has failed, the second waits for its pause.
            while zombie.engines.kv.strikes() == 0 {
                tokio::task::yield_now().await;
            }
            peer.store.recover_node(zombie.store.node()).await.unwrap();
        };
        let (put, ()) = join(zombie.put("k", &sent), fence).await;
        assert_eq!(failure(put), FailureKind::Unavailable, "{fault:?}");
        zombie.settle().await;
        peer.settle().await;
        assert_eq!(refusal(peer.get("k").await), Refusal::NoSuchKey);
        peer.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_takes_back_all_that_dead_processes_left() {
    for may_lose_answers in [false, true] {
        let world = World::over(world::Engines::new(may_lose_answers)).await;
        let records = |wrote: &str| wrote.contains('O');
        // Records that are never committed, and tickets that nobody settles: the engine takes the former for ever, the process ends.
        world.engines.kv.strike_times(records, Fault::Refused(KvErrorKind::Conflict), u64::MAX);
        let names: Vec<String> = (0..250).map(|n| format!("k{n}")).collect();
        let sent = bytes(LARGE, 1);
        let puts = join_all(names.iter().map(|name| world.put(name, &sent)));
        assert!(tokio::time::timeout(Duration::from_secs(5), puts).await.is_err());
        assert_eq!(world.dump().await.get(&'T'), Some(&250));
        assert_eq!(world.engines.blobs.count(), 250);
        let next = world.engines.open().await;
        assert_eq!(next.dump().await.get(&'T'), None);
        // The old process is a zombie now: none of its writes gets through.
        world.engines.kv.no_more_strikes();
        world.settle().await;
        next.settle().await;
        next.assert_empty().await;
    }
}

// Room.

#[tokio::test(start_paused = true)]
async fn without_room_nothing_is_added_and_everything_can_be_taken_away() {
    let world = World::new().await;
    world.put("small", &bytes(10, 1)).await.unwrap();
    world.put("large", &bytes(LARGE, 1)).await.unwrap();
    world.put("other", &bytes(LARGE, 1)).await.unwrap();
    let upload = world.open_upload("k").await;
    world.upload(&upload, 1, &bytes(LARGE, 1)).await.unwrap();
    let before = world.dump().await;
    world.engines.room.is_full(true);
    world.engines.blobs.take_requests();
    let counted = world.engines.kv.count();
    let request = terrace_store::ops::multipart::CreateUpload {
        bucket: world.bucket.clone(),
        key: key("k"),
        metadata: Default::default(),
        checksum: None,
    };
    for kind in [
        failure(world.put("k", &Bytes::new()).await),
        failure(world.put("k", &bytes(10, 1)).await),
        failure(world.put("k", &bytes(LARGE, 1)).await),
        failure(world.upload(&upload, 2, &bytes(10, 1)).await),
        failure(world.upload(&upload, 2, &bytes(LARGE, 1)).await),
        failure(world.store.copy_object(world.copy_request("small", "k")).await),
        failure(world.store.copy_object(world.copy_request("large", "k")).await),
        failure(world.store.create_upload(request).await),
    ] {
        assert_eq!(kind, FailureKind::NoSpace);
    }
    assert_eq!(counted.counts().commits, 0);
    assert_eq!(world.engines.blobs.take_requests().total(), 0);
    assert_eq!(world.dump().await, before);
    assert_eq!(world.get("large").await.unwrap(), bytes(LARGE, 1));
    world.store.abort_upload(upload).await.unwrap();
    world.delete("large").await.unwrap();
    let keys = vec![(key("small"), DeleteCondition::default()), (key("other"), DeleteCondition::default())];
    world.store.delete_objects(world.bucket.clone(), keys).await.unwrap();
    world.settle_for_good().await;
    world.assert_empty().await;
    world.store.delete_bucket(&world.bucket).await.unwrap();
}
