//! What can go wrong, whom it can meet, and how often it did.

mod operation;
mod plan;
mod table;
mod tally;

pub(crate) use operation::names as names_of_operations;
pub use operation::{Operation, Touch};
pub(crate) use plan::{BlobPlan, KvPlan, patience};
pub use table::meets;
pub use tally::Tally;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $touch:ident, $text:literal;)*) => {
        /// A point at which a run can be made to go wrong. The name is what the table at the end of a run calls it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in tables.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What an operation must do to meet it.
            #[must_use]
            pub fn strikes(self) -> Touch {
                match self { $(Self::$name => Touch::$touch,)* }
            }
        }
    };
}

faults! {
    /// A transaction cannot begin.
    BeginUnavailable = Read, "begin: unavailable";
    /// A transaction cannot begin now.
    BeginThrottled = Read, "begin: throttled";
    /// No read version.
    VersionUnavailable = Version, "read version: unavailable";
    /// Point reads fail.
    GetUnavailable = Get, "get: unavailable";
    /// The read version has left the window.
    GetTooOld = Get, "get: too old";
    /// A range read fails.
    RangeUnavailable = Range, "range: unavailable";
    /// The read version has left the window.
    RangeTooOld = Range, "range: too old";
    /// A read takes a while.
    ReadSlow = Read, "read: slow";
    /// A read takes longer than a read version lives.
    ReadStalls = Read, "read: stalls past the deadline";
    /// A commit fails, and says so.
    CommitRefused = Commit, "commit: fails before";
    /// A commit meets another.
    CommitConflict = Commit, "commit: not committed";
    /// A commit comes too late.
    CommitTooOld = Commit, "commit: too old";
    /// A commit is to come again later.
    CommitThrottled = Commit, "commit: throttled";
    /// A commit takes a while.
    CommitSlow = Commit, "commit: slow";
    /// A commit takes longer than its operation may.
    CommitStalls = Commit, "commit: stalls past the deadline";
    /// Committed, and nobody is told.
    CommitAnswerLost = Commit, "commit: done, answer lost";
    /// Not committed, and nobody is told.
    CommitVanishes = Commit, "commit: not done, answer lost";
    /// Not committed, and nobody knows whether it still will be.
    CommitVanishesUnsettled = Commit, "commit: not done, unsettled";
    /// Carried out after its error was returned.
    CommitLandsLate = Commit, "commit: lands late";
    /// Nothing is stored.
    PutRefused = BlobPut, "blob put: refused";
    /// Cut in the middle; nothing is stored, and that is known.
    PutCut = BlobPut, "blob put: cut, settled";
    /// Cut in the middle; nothing is stored, and nobody knows.
    PutCutUnknown = BlobPut, "blob put: cut, unknown";
    /// Stored, and nobody is told.
    PutAnswerLost = BlobPut, "blob put: done, answer lost";
    /// Stored after the error was returned.
    PutLandsLate = BlobPut, "blob put: lands late";
    /// Takes a while.
    PutSlow = BlobPut, "blob put: slow";
    /// Never ends.
    PutStalls = BlobPut, "blob put: stalls";
    /// Cannot be opened.
    GetRefused = BlobGet, "blob get: refused";
    /// Breaks in the middle.
    GetBreaks = BlobGet, "blob get: breaks in the middle";
    /// Stops in the middle.
    GetStalls = BlobGet, "blob get: stalls";
    /// Takes a while to open.
    GetSlow = BlobGet, "blob get: slow";
    /// A listing that does not know the last changes.
    ListStale = BlobList, "blob list: stale";
    /// No listing.
    ListRefused = BlobList, "blob list: refused";
    /// Not deleted.
    DeleteRefused = BlobDelete, "blob delete: refused";
    /// Deleted, and nobody is told.
    DeleteAnswerLost = BlobDelete, "blob delete: done, answer lost";
    /// Deleted after a while.
    DeleteSlow = BlobDelete, "blob delete: slow";
    /// No facts of a blob, a bucket or the deployment.
    LookRefused = BlobLook, "blob head: refused";
    /// Not copied.
    CopyRefused = BlobCopy, "blob copy: refused";
    /// Copied, and nobody is told.
    CopyAnswerLost = BlobCopy, "blob copy: done, answer lost";
    /// Never ends.
    CopyStalls = BlobCopy, "blob copy: stalls";
    /// The client goes away before its answer.
    HangUp = Call, "client: hangs up";
    /// The client's body breaks off.
    BodyBreaks = Body, "client: body breaks off";
    /// The client's body stops for a while.
    BodyStalls = Body, "client: body stalls";
    /// A node's wall clock jumps forward.
    ClockForward = Call, "node: clock jumps forward";
    /// A node's wall clock jumps back.
    ClockBack = Call, "node: clock jumps back";
    /// A node ends between two steps.
    Crash = Call, "node: crashes";
    /// A node reaches nothing, is recovered by a peer, and comes back.
    Zombie = Call, "node: comes back as a zombie";
    /// A peer recovers a node that is well.
    RecoveredAlive = Call, "node: recovered while it runs";
}
