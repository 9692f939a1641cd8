//! Writes that are cut off at each of their polls: each happens wholly or not at all, and nothing is left behind.

use terrace_simulation::interruption::{End, cases, interrupt};

/// More polls than any write has.
const ENDLESS: u64 = 2_000;
/// In how many ways the engines take their time.
const SEEDS: u64 = 5;

fn cut_off_everywhere(end: End) {
    let mut broken = Vec::new();
    let mut interruptions = 0;
    for (case, seed) in cases().into_iter().flat_map(|case| (0..SEEDS).map(move |seed| (case, seed))) {
        let mut polls = 0;
        loop {
            let outcome = interrupt(case, (polls, end), seed);
            broken.extend(outcome.violations.into_iter().map(|violation| (case, polls, seed, violation)));
            if outcome.ended {
                break;
            }
            polls += 1;
            assert!(polls < ENDLESS, "{case:?} does not end");
        }
        // A write that looks at nothing and writes nothing may be over soon; none is over at once.
        assert!(polls > 1, "{case:?}: {polls} polls");
        interruptions += polls;
    }
    assert!(broken.is_empty(), "{broken:#?}");
    println!("{interruptions} interruptions");
}

#[test]
fn a_client_that_hangs_up_at_any_poll_leaves_its_write_whole_or_undone() {
    cut_off_everywhere(End::HangUp);
}

#[test]
fn a_process_that_ends_at_any_poll_leaves_its_writes_whole_or_undone() {
    cut_off_everywhere(End::Crash);
}
