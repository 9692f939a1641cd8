//! The simulation finds what it is there to find: each bug that can be planted in the store is caught by an oracle.

use terrace_runtime::planted::{Bug, plant};
use terrace_simulation::{Options, Violation, run};

/// In how many seeds a bug must be caught.
const SEEDS: u64 = 1_000;

/// The first seed in which an oracle says that something is wrong, and what it says.
fn caught(bug: Bug) -> Option<(u64, Violation)> {
    let _planted = plant(bug);
    let options = Options::default();
    (0..SEEDS)
        .find_map(|seed| run(seed, &options).violations.into_iter().next().map(|violation| (seed, violation)))
}

macro_rules! caught {
    ($($name:ident = $bug:ident;)*) => {
        $(#[test]
        fn $name() {
            let Some((seed, Violation { oracle, what })) = caught(Bug::$bug) else {
                panic!("not caught in {SEEDS} seeds");
            };
            println!("{:?}: seed {seed}, {oracle}:\n{what}", Bug::$bug);
            assert!(run(seed, &Options::default()).is_clean(), "seed {seed} is not clean without the bug");
        })*
    };
}

caught! {
    an_unknown_commit_that_is_taken_for_lost_is_caught = UnknownCommitIsLost;
    a_blob_that_goes_before_its_ticket_is_caught = BlobGoesBeforeFence;
    a_missing_blob_without_a_second_look_is_caught = NoSecondLook;
    a_revision_that_is_used_again_is_caught = UploadRevisionReused;
    a_bucket_deleted_without_conflict_is_caught = BucketDeleteWithoutConflict;
    a_ticket_opened_blindly_is_caught = TicketOpenedBlindly;
    a_third_revision_that_is_taken_for_success_is_caught = ThirdRevisionIsSuccess;
    a_conflict_on_a_point_is_caught = PointInsteadOfRange;
    a_put_that_lands_after_its_delete_is_caught = PutLandsAfterDelete;
    a_proof_without_parts_is_caught = FsckWithoutParts;
    a_write_that_a_fenced_node_runs_again_is_caught = FencedNodeRunsAgain;
    a_blob_that_a_fenced_owner_leaves_is_caught = FencedOwnerLeaks;
    a_reclaimed_part_that_is_called_damage_is_caught = ReclaimedPartIsDamage;
}
