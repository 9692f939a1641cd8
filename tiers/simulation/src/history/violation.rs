//! A history that no register explains, for people to read.

use std::fmt;
use std::sync::Arc;

use super::search::Stuck;
use super::{Answer, BodyId, Call, Condition, Event};

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// No order of the calls gives their answers.
    NoOrder,
    /// The search ended at its bound: neither right nor wrong was found out.
    Undecided,
    /// Two writes were told the same ETag.
    SameETag(Arc<str>),
    /// An ETag was seen with two bodies, or with another one than was written under it.
    TwoBodies(Arc<str>, BodyId, BodyId),
    /// An ETag was seen that no write can have had, with this body if it was read.
    FromNowhere(Arc<str>, Option<BodyId>),
    /// An answer that is none to its call.
    Nonsense(Box<Event>),
}

/// A history that no register explains. Its text is the whole history of the object.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Violation {
    /// The object.
    pub object: Arc<str>,
    /// What is wrong.
    pub what: What,
    /// The calls on the object, by their start; for [`What::SameETag`] the two writes.
    pub history: Vec<Event>,
    /// The longest order that a search found.
    longest: Option<Box<Stuck>>,
}

impl Violation {
    pub(super) fn of(what: What, history: Vec<&Event>) -> Self {
        let object = history.first().map(|event| event.object.clone()).unwrap_or_default();
        let history = history.into_iter().cloned().collect();
        Self { object, what, history, longest: None }
    }

    pub(super) fn stuck(stuck: Stuck, history: Vec<&Event>) -> Self {
        let what = if stuck.at_bound { What::Undecided } else { What::NoOrder };
        Self { longest: Some(Box::new(stuck)), ..Self::of(what, history) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.object, self.what)?;
        if let Some(longest) = &self.longest {
            write!(f, "the longest order found has the calls marked + and leaves ")?;
            match &longest.register {
                None => writeln!(f, "nothing")?,
                Some(None) => writeln!(f, "a body whose ETag nobody saw")?,
                Some(Some(etag)) => writeln!(f, "etag {etag}")?,
            }
        }
        for (at, event) in self.history.iter().enumerate() {
            let is_placed = self.longest.as_ref().is_some_and(|longest| longest.placed.contains(&at));
            let mark = if is_placed { '+' } else { ' ' };
            writeln!(f, "{mark} {event}")?;
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrder => write!(f, "no order of the calls gives their answers"),
            Self::Undecided => {
                write!(f, "the search ended at its bound, so whether it is right is not known")
            }
            Self::SameETag(etag) => write!(f, "two writes were told etag {etag}"),
            Self::TwoBodies(etag, one, other) => {
                write!(f, "etag {etag} is of body {} and of body {}", one.0, other.0)
            }
            Self::FromNowhere(etag, Some(body)) => {
                write!(f, "etag {etag} was seen with body {}, and no write can have made that", body.0)
            }
            Self::FromNowhere(etag, None) => write!(f, "etag {etag} was seen, and no write can have had it"),
            Self::Nonsense(event) => write!(f, "this is no answer to its call: {event}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let returned = self.returned.map_or_else(|| "never".to_owned(), |at| at.to_string());
        write!(
            f,
            "{:>7} ..{returned:>7}  client {:<3} {} -> {}",
            self.called, self.client, self.call, self.answer
        )
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { body, condition } => write!(f, "write body {}{condition}", body.0),
            Self::Touch { condition } => write!(f, "touch{condition}"),
            Self::Get => write!(f, "get"),
            Self::Look => write!(f, "look"),
            Self::Delete { condition } => write!(f, "delete{condition}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Absent => write!(f, " if absent"),
            Self::Is(etag) => write!(f, " if etag {etag}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(etag) => write!(f, "written, etag {etag}"),
            Self::Deleted => write!(f, "deleted"),
            Self::Found { etag, body: Some(body) } => write!(f, "etag {etag} body {}", body.0),
            Self::Found { etag, body: None } => write!(f, "etag {etag}"),
            Self::Absent => write!(f, "absent"),
            Self::Refused => write!(f, "refused"),
            Self::NotDone => write!(f, "not done"),
            Self::Unknown => write!(f, "unknown"),
        }
    }
}
