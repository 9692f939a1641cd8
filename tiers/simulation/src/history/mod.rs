//! What clients asked for and what they were told, and whether one order of it all could explain that.
//!
//! Written without the store's code: a mistake of the store must not be a mistake of its judge.
//!
//! The model is a register an object: absent, or a body with its ETag. A write that succeeds gives the object an ETag that no other write has.
//! [`check`] looks for one order of the calls on an object that keeps to what was before what (a call that returned before another began comes
//! first) and in which every answer is the register's. A call whose outcome nobody knows may be put anywhere behind its start, or left out.

mod claim;
mod search;
#[cfg(test)]
mod tests;
mod violation;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use violation::{Violation, What};

/// Names a body: every body that a simulation writes has its own number, which its bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u64);

/// A call of one client on one object, from its start to its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Writes a body: a put, a copy, or the completion of an upload (with all its repetitions: they are one call).
    Write {
        /// The body.
        body: BodyId,
        /// What must hold for it.
        condition: Condition,
    },
    /// Changes what is said of the object and keeps body and ETag: a copy onto itself. Answered [`Answer::Written`] with the ETag that it has.
    Touch {
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

/// What must hold of the object at the moment of a write. Where it does not hold the answer is [`Answer::Refused`], but for
/// [`Condition::Is`] on nothing: [`Answer::Absent`].
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

/// Most states that [`check`] looks at for one object.
const MOST_STATES: usize = 400_000;

/// Whether the answers to all calls on each object are those of a register in some order.
///
/// # Errors
/// The first object, by name, whose answers are not, or for which that was not found out within the bound on the states of a search
/// ([`What::Undecided`]).
pub fn check(events: &[Event]) -> Result<(), Violation> {
    check_within(events, MOST_STATES)
}

/// [`check`] with a bound of `states` for each object.
///
/// # Errors
/// As [`check`].
pub fn check_within(events: &[Event], states: usize) -> Result<(), Violation> {
    let mut objects: BTreeMap<&Arc<str>, Vec<&Event>> = BTreeMap::new();
    let mut writes: HashMap<&Arc<str>, &Event> = HashMap::new();
    for event in events {
        objects.entry(&event.object).or_default().push(event);
        if let (Call::Write { .. }, Answer::Written(etag), Some(_)) =
            (&event.call, &event.answer, event.returned)
            && let Some(other) = writes.insert(etag, event)
        {
            return Err(Violation::of(What::SameETag(etag.clone()), vec![other, event]));
        }
    }
    for (_, mut history) in objects {
        history.sort_by_key(|event| event.called);
        let claims = claim::claims(&history).map_err(|what| Violation::of(what, history.clone()))?;
        if let Err(stuck) = search::search(&claims, states) {
            return Err(Violation::stuck(stuck, history));
        }
    }
    Ok(())
}
