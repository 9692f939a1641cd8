//! Conditions are decided inside the transaction: of many that race, one wins.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod world;

use std::sync::Arc;

use terrace_store::object::{DeleteCondition, ETagList, WriteCondition};
use terrace_store::ops::object::Written;
use terrace_store::{Error, Refusal};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use world::{World, bytes, key, refusal};

const RACERS: u8 = 64;
const ROUNDS: usize = 1_000;

/// All racers write at once on one condition; gives the winner, and what it wrote.
async fn race(world: &Arc<World>, condition: &WriteCondition) -> (u8, Written) {
    let start = Arc::new(Barrier::new(usize::from(RACERS)));
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (world, condition, start) = (Arc::clone(world), condition.clone(), Arc::clone(&start));
        racers.spawn(async move {
            let mut request = world.put_request("k", &bytes(1 + usize::from(racer), racer));
            request.condition = condition;
            start.wait().await;
            (racer, world.store.put_object(request).await)
        });
    }
    let mut winners = Vec::new();
    for (racer, outcome) in racers.join_all().await {
        match outcome {
            Ok(written) => winners.push((racer, written)),
            Err(Error::Refused(Refusal::PreconditionFailed(_))) => {}
            Err(error) => panic!("racer {racer}: {error:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    winners.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_racers_exactly_one_wins_each_of_1000_rounds() {
    let world = Arc::new(World::new().await);
    let mut condition = WriteCondition { if_match: None, if_none_match: Some(ETagList::Any) };
    for round in 0..ROUNDS {
        let (winner, written) = race(&world, &condition).await;
        assert_eq!(world.get("k").await.unwrap(), bytes(1 + usize::from(winner), winner), "round {round}");
        // Rounds alternate between creation and replacement.
        let here = ETagList::These(vec![written.etag.to_string()]);
        condition = WriteCondition { if_match: Some(here), if_none_match: None };
        if round % 2 == 1 {
            world.store.delete_object(world.bucket.clone(), key("k"), condition.into()).await.unwrap();
            condition = WriteCondition { if_match: None, if_none_match: Some(ETagList::Any) };
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_deletions_exactly_one_deletes() {
    let world = Arc::new(World::new().await);
    for _ in 0..20 {
        let written = world.put("k", &bytes(9, 1)).await.unwrap();
        let condition = DeleteCondition {
            etags: WriteCondition {
                if_match: Some(ETagList::These(vec![written.etag.to_string()])),
                if_none_match: None,
            },
            last_modified: Some(i64::try_from(written.modified_ms / 1_000).unwrap()),
            size: Some(9),
        };
        let mut racers = JoinSet::new();
        for _ in 0..RACERS {
            let (world, condition) = (Arc::clone(&world), condition.clone());
            racers.spawn(async move {
                world.store.delete_object(world.bucket.clone(), key("k"), condition).await
            });
        }
        let outcomes = racers.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.into_iter().all(|outcome| refusal(outcome) == Refusal::NoSuchKey));
    }
}
