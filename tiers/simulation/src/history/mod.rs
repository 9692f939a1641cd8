//! What clients asked for and what they were told, and whether one order of it all could explain that.
//!
//! Written without the store's code: a mistake of the store must not be a mistake of its judge.

use std::sync::Arc;

/// Names a body: every body that a simulation writes has its own number, which its bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u64);

/// A call of one client on one object, from its start to its answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who called; a client does one call after another.
    pub client: u32,
    /// The object: bucket and key in one name.
    pub object: Arc<str>,
    /// When the call began, as a number that rises with each start and each end of a call in the whole simulation.
    pub called: u64,
    /// When its answer came; `None`: never.
    pub returned: Option<u64>,
    /// What was asked for.
    pub call: Call,
    /// What came back.
    pub answer: Answer,
}

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Writes a body: a put, a copy, or the completion of an upload.
    Write {
        /// The body.
        body: BodyId,
        /// What must hold for it.
        condition: Condition,
    },
    /// Reads record and body.
    Get,
    /// Reads the record: HEAD, or a listing in whose range the key lies.
    Look,
    /// Removes the object, if it is there.
    Delete {
        /// What must hold for it.
        condition: Condition,
    },
}

/// What must hold of the object at the moment of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// If-None-Match: *
    Absent,
    /// If-Match with this ETag.
    Is(Arc<str>),
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The write was done, and the object has this ETag.
    Written(Arc<str>),
    /// The delete was done (or there was nothing to delete).
    Deleted,
    /// The object is there.
    Found {
        /// Its ETag.
        etag: Arc<str>,
        /// Its body, if it was read.
        body: Option<BodyId>,
    },
    /// There is no such object.
    Absent,
    /// The condition did not hold.
    Refused,
    /// It was not done and never will be.
    NotDone,
    /// Nobody knows: it may have been done, or be done at any time after its start, or never.
    Unknown,
}
