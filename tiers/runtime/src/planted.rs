//! Bugs put in on purpose, to prove that the simulation and the batteries would find them.
//!
//! Each is a branch in the code that it breaks: `if is_planted(Bug::X) { wrong } else { right }`. Without the feature `planted-bugs`, which only
//! test crates turn on, [`is_planted`] is a constant and the wrong branch is not compiled in. With it nothing is planted until a test says so.

/// What can be planted. Each breaks a promise of the product that an oracle has to notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "planted-bugs", repr(u8))]
pub enum Bug {
    /// A commit whose outcome is unknown is taken for one that was not carried out.
    UnknownCommitIsLost,
    /// Whoever takes a ticket away, a recovery or its owner, deletes the blob first.
    BlobGoesBeforeFence,
    /// The embedded engine answers a commit before its fdatasync.
    AnswerBeforeSync,
    /// A read whose blob is missing does not look at the record again.
    NoSecondLook,
    /// A retried upload of a part takes the revision of the first attempt.
    UploadRevisionReused,
    /// Deleting a bucket does not conflict with the writes in flight.
    BucketDeleteWithoutConflict,
    /// A ticket is opened without a look at its row and at the fences, so also on a retry, or late, after it was taken away.
    TicketOpenedBlindly,
    /// A write whose answer was lost and whose witness is not there answers success, whatever is there. (The store never compares revisions:
    /// this is what a third one would be.)
    ThirdRevisionIsSuccess,
    /// Writes conflict on one key of the bucket, which its deletion does not touch, instead of on the whole range of its documents and on
    /// its row.
    PointInsteadOfRange,
    /// A put whose answer was lost is written once more although its witness says that it was committed: so also after a delete of it was
    /// acknowledged.
    PutLandsAfterDelete,
    /// The proof that nothing leaks does not count the parts of open uploads.
    FsckWithoutParts,
    /// A node that was declared dead takes a witness that a recovery cleared for a write that never was. The simulation found it.
    FencedNodeRunsAgain,
    /// What the owner of a ticket stores behind the recovery that took it is queued by nobody. The simulation found it.
    FencedOwnerLeaks,
    /// A part that is a row, reclaimed by another gateway while it is read, is called damage. The simulation found it.
    ReclaimedPartIsDamage,
}

#[cfg(not(feature = "planted-bugs"))]
mod switch {
    use super::Bug;

    /// Whether `bug` is planted: never in this build.
    #[must_use]
    pub const fn is_planted(_bug: Bug) -> bool {
        false
    }

    /// Plants nothing: this build has no bugs to plant.
    pub const fn plant_in_process(_bug: Bug) {}
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Bug;

    const NONE: u8 = u8::MAX;
    static IN_PROCESS: AtomicU8 = AtomicU8::new(NONE);

    thread_local! {
        static ON_THREAD: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether `bug` is planted, on this thread or in this process.
    #[must_use]
    pub fn is_planted(bug: Bug) -> bool {
        ON_THREAD.get() == Some(bug) || IN_PROCESS.load(Ordering::Relaxed) == bug as u8
    }

    /// Plants `bug` on this thread until the answer is dropped: for a simulation, which is one thread.
    #[must_use = "the bug is taken out when this is dropped"]
    pub fn plant(bug: Bug) -> Planted {
        Planted { before: ON_THREAD.replace(Some(bug)) }
    }

    /// A bug is planted as long as this lives.
    #[derive(Debug)]
    pub struct Planted {
        before: Option<Bug>,
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            ON_THREAD.set(self.before);
        }
    }

    /// Plants `bug` in the whole process, for good: for a test of the real binary. Only in a build with debug assertions, so that no released
    /// binary can be told to lose data.
    pub fn plant_in_process(bug: Bug) {
        if cfg!(debug_assertions) {
            IN_PROCESS.store(bug as u8, Ordering::Relaxed);
        }
    }
}

pub use switch::*;

#[cfg(all(test, feature = "planted-bugs"))]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_planted_as_long_as_its_guard_lives() {
        assert!(!is_planted(Bug::NoSecondLook));
        let guard = plant(Bug::NoSecondLook);
        assert!(is_planted(Bug::NoSecondLook) && !is_planted(Bug::AnswerBeforeSync));
        drop(guard);
        assert!(!is_planted(Bug::NoSecondLook));
    }
}
