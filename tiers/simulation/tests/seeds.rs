//! Many seeds: every promise holds in each, every fault fires often, and every operation meets every fault that it can meet.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use terrace_simulation::faults::{Fault, Tally};
use terrace_simulation::{Options, run};

/// Seeds of one run of the test.
const SEEDS: u64 = 1_200;
/// How often each fault fires in them, at least.
const OFTEN: u64 = 200;
/// Each on a thread of its own.
const THREADS: u64 = 2;

/// Every `THREADS`th seed from `first` on: what was met, and what was broken.
fn some(first: u64) -> (Tally, String) {
    let (mut fired, mut broken) = (Tally::default(), String::new());
    for seed in (first..SEEDS).step_by(usize::try_from(THREADS).unwrap()) {
        let report = run(seed, &Options::default());
        fired.add(&report.fired);
        if !report.is_clean() {
            broken.push_str(&report.to_string());
        }
    }
    (fired, broken)
}

#[test]
fn every_promise_holds_under_every_fault_that_any_operation_can_meet() {
    let threads: Vec<_> = (0..THREADS)
        .map(|first| {
            std::thread::Builder::new().name(format!("seeds {first}")).spawn(move || some(first)).unwrap()
        })
        .collect();
    let mut fired = Tally::default();
    let mut broken = String::new();
    for thread in threads {
        let (more, also) = thread.join().unwrap();
        fired.add(&more);
        broken.push_str(&also);
    }
    println!("{fired}");
    assert!(broken.is_empty(), "{broken}");
    let seldom: Vec<_> = Fault::ALL.iter().filter(|fault| fired.fired(**fault) < OFTEN).collect();
    assert!(
        Fault::ALL.len() >= 25 && seldom.is_empty(),
        "fired less than {OFTEN} times: {seldom:?}\n{fired}"
    );
    assert!(fired.missing().is_empty(), "never met: {:?}", fired.missing());
    assert!(fired.impossible().is_empty(), "cannot be, and was: {:?}", fired.impossible());
}

#[test]
fn the_same_seed_takes_the_same_course_and_another_takes_another() {
    let hash = |seed| run(seed, &Options::default()).trace_hash;
    let first: Vec<u64> = (0..24).map(hash).collect();
    let again: Vec<u64> = (0..24).map(hash).collect();
    assert_eq!(first, again);
    let different: std::collections::BTreeSet<_> = first.iter().collect();
    assert_eq!(different.len(), first.len());
}
