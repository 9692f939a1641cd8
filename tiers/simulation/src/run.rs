//! One run: a seed, a thread, a world, its actors, its judges.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::{join_all, join3};
use terrace_runtime::origin;
use tokio::runtime::Builder;

use crate::actors::{BUCKETS, Client, KEYS, chaos, place, start, sweeper};
use crate::faults::{Operation, Tally};
use crate::history;
use crate::oracle::come_to_rest;
use crate::random::Random;
use crate::report::{Options, Report, Violation};
use crate::world::{Course, Engines};

/// Runs the course of events that `seed` and `options` make, and judges it. The same two always make the same one, on any machine. Must not be
/// called on a runtime: it has its own.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Report {
    match Builder::new_current_thread().enable_time().start_paused(true).build() {
        Ok(runtime) => runtime.block_on(course(seed, options)),
        Err(error) => not_run(seed, format!("no runtime: {error}")),
    }
}

fn not_run(seed: u64, what: String) -> Report {
    let violations = vec![Violation { oracle: "a run runs", what }];
    Report { seed, violations, trace_hash: 0, fired: Tally::default(), answered: 0, trace: Vec::new() }
}

async fn course(seed: u64, options: &Options) -> Report {
    let engines = match Engines::new(seed, Course::new(seed, options)) {
        Ok(engines) => Arc::new(engines),
        Err(error) => return not_run(seed, format!("no metrics: {error}")),
    };
    tokio::select! {
        biased;
        () = Box::pin(story(&engines, options)) => {}
        () = engines.course.given_up() => {}
    }
    if let Err(violation) = history::check(&engines.events.lock()) {
        engines.course.violated("the history is that of registers", violation.to_string());
    }
    let course = &engines.course;
    Report {
        seed,
        violations: course.violations(),
        trace_hash: course.hash(),
        fired: course.tally(),
        answered: engines.answered.load(Ordering::Relaxed),
        trace: course.lines(),
    }
}

/// All that happens.
async fn story(engines: &Arc<Engines>, options: &Options) {
    let choice = Random::new(engines.seed, 6);
    for _ in 0..choice.between(2, 3) {
        let node = start(engines).await;
        engines.join(node);
    }
    make_steady_bucket(engines).await;
    let clients: Vec<_> = (0..options.clients).map(|number| Client::new(engines, number)).collect();
    let work = join_all(clients.iter().map(|client| client.work(options.calls)));
    let rough = engines.course.is_rough();
    let (disasters, strays) = if rough { (choice.below(9), choice.below(4)) } else { (0, 0) };
    join3(work, chaos(Arc::clone(engines), disasters), sweeper(Arc::clone(engines), strays)).await;
    come_to_rest(engines).await;
}

/// The bucket that is there from the first call on.
async fn make_steady_bucket(engines: &Arc<Engines>) {
    let bucket = place(BUCKETS[0], KEYS[0]).bucket;
    for _ in 0..100 {
        let Some(node) = engines.nodes().into_iter().next() else { return };
        let made = origin::on_behalf_of(
            Operation::CreateBucket.name(),
            node.store.create_bucket(bucket.clone(), "owner"),
        );
        match made.await {
            Ok(()) | Err(terrace_store::Error::Refused(_)) => return,
            Err(error) => engines.course.note(format_args!("no bucket yet: {error}")),
        }
    }
    engines.course.violated("a bucket is made at last", String::new());
}
