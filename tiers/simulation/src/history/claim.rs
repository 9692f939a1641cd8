//! The calls on one object as claims on a register: what each needs of it, and what it makes of it. Whatever of ETags and bodies can be
//! settled without an order is settled here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::violation::What;
use super::{Answer, BodyId, Call, Condition, Event};

/// An ETag by its number; [`UNSEEN`] for one that nobody was told.
pub(super) type Tag = u32;

/// The ETag of a write of which nobody ever saw anything.
pub(super) const UNSEEN: Tag = Tag::MAX;

/// What a call needs of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Need {
    Nothing,
    Absent,
    Present,
    /// Present, with another ETag.
    PresentBut(Tag),
    Tag(Tag),
}

impl Need {
    pub(super) fn holds(self, register: Option<Tag>) -> bool {
        match self {
            Self::Nothing => true,
            Self::Absent => register.is_none(),
            Self::Present => register.is_some(),
            Self::PresentBut(tag) => register.is_some_and(|other| other != tag),
            Self::Tag(tag) => register == Some(tag),
        }
    }
}

/// What a call makes of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Effect {
    Keeps,
    Gone,
    Becomes(Tag),
    /// A body whose ETag is not settled: any of the loose ETags of that body or of none, or one that nobody saw. `None`: no loose ETag has it.
    BecomesLoose(Option<BodyId>),
}

/// A call that must have its place in the order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) event: usize,
    pub(super) called: u64,
    pub(super) returned: u64,
    pub(super) need: Need,
    pub(super) effect: Effect,
}

/// A call that may have a place in the order, anywhere behind its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Possible {
    pub(super) event: usize,
    pub(super) called: u64,
    pub(super) need: Need,
    pub(super) effect: Effect,
}

/// An ETag that was seen, and of which it is not clear whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loose {
    pub(super) tag: Tag,
    pub(super) body: Option<BodyId>,
}

/// The calls on one object.
#[derive(Debug)]
pub(super) struct Claims {
    /// By `called`.
    pub(super) known: Vec<Known>,
    /// By `called`.
    pub(super) possible: Vec<Possible>,
    pub(super) loose: Vec<Loose>,
    /// For each ETag the calls of `known` that need it.
    pub(super) needed_by: Vec<Vec<usize>>,
    /// ETags by number.
    pub(super) tags: Vec<Arc<str>>,
}

/// Reads a history, which is sorted by `called`.
pub(super) fn claims(history: &[&Event]) -> Result<Claims, What> {
    let mut tags = Tags::default();
    let (mut known, mut possible) = (Vec::new(), Vec::new());
    for (at, event) in history.iter().enumerate() {
        let (called, condition) = (event.called, event.call.condition());
        match (event.returned, &event.answer) {
            (Some(_), Answer::NotDone) => {}
            (None, _) | (_, Answer::Unknown) => {
                let effect = match &event.call {
                    Call::Write { body, .. } => Effect::BecomesLoose(Some(*body)),
                    Call::Delete { .. } => Effect::Gone,
                    Call::Touch { .. } | Call::Get | Call::Look => continue,
                };
                possible.push(Possible { event: at, called, need: tags.need(condition), effect });
            }
            (Some(returned), answer) => {
                let (need, effect) = tags
                    .read(&event.call, answer)
                    .ok_or_else(|| What::Nonsense(Box::new((*event).clone())))?;
                known.push(Known { event: at, called, returned, need, effect });
            }
        }
    }
    let seen = tags.seen(history, &known)?;
    let loose = bind(&seen, &mut possible, &tags)?;
    let mut needed_by = vec![Vec::new(); tags.names.len()];
    for (at, claim) in known.iter().enumerate() {
        if let Need::Tag(tag) = claim.need {
            needed_by[tag as usize].push(at);
        }
    }
    Ok(Claims { known, possible, loose, needed_by, tags: tags.names })
}

/// Gives each ETag of `seen` to the only write that can have it; those with several are loose.
fn bind(seen: &[Loose], possible: &mut [Possible], tags: &Tags) -> Result<Vec<Loose>, What> {
    let (mut bound, mut loose) = (Vec::new(), Vec::new());
    for found in seen {
        let mut candidates = possible.iter().enumerate().filter(|(_, claim)| match claim.effect {
            Effect::BecomesLoose(body) => found.body.is_none() || found.body == body,
            Effect::Keeps | Effect::Gone | Effect::Becomes(_) => false,
        });
        match (candidates.next(), candidates.next(), found.body) {
            (None, ..) => return Err(What::FromNowhere(tags.name(found.tag), found.body)),
            (Some((only, _)), None, Some(_)) => bound.push((only, found.tag)),
            (Some(_), ..) => loose.push(*found),
        }
    }
    let mut writes = HashSet::new();
    for (write, tag) in bound {
        if !writes.insert(write) {
            return Err(What::FromNowhere(tags.name(tag), None));
        }
        possible[write].effect = Effect::Becomes(tag);
    }
    for claim in possible {
        if let Effect::BecomesLoose(body) = &mut claim.effect
            && !loose.iter().any(|found| found.body == *body)
        {
            *body = None;
        }
    }
    Ok(loose)
}

/// The numbers of ETags, and whose body each is.
#[derive(Default)]
struct Tags {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, Tag>,
    written: HashMap<Tag, BodyId>,
}

impl Tags {
    fn number(&mut self, etag: &Arc<str>) -> Tag {
        if let Some(tag) = self.numbers.get(etag) {
            return *tag;
        }
        let tag = Tag::try_from(self.names.len()).unwrap_or(UNSEEN);
        self.names.push(etag.clone());
        self.numbers.insert(etag.clone(), tag);
        tag
    }

    fn name(&self, tag: Tag) -> Arc<str> {
        self.names.get(tag as usize).cloned().unwrap_or_default()
    }

    fn need(&mut self, condition: &Condition) -> Need {
        match condition {
            Condition::None => Need::Nothing,
            Condition::Absent => Need::Absent,
            Condition::Is(etag) => Need::Tag(self.number(etag)),
        }
    }

    /// What an answer says; `None` if it is no answer to the call.
    fn read(&mut self, call: &Call, answer: &Answer) -> Option<(Need, Effect)> {
        let need = self.need(call.condition());
        Some(match (call, answer) {
            (Call::Write { body, .. }, Answer::Written(etag)) => {
                let tag = self.number(etag);
                self.written.insert(tag, *body);
                (need, Effect::Becomes(tag))
            }
            (Call::Touch { .. }, Answer::Written(etag)) => {
                let is = Need::Tag(self.number(etag));
                (if need == Need::Nothing || need == is { is } else { return None }, Effect::Keeps)
            }
            (Call::Delete { .. }, Answer::Deleted) => (need, Effect::Gone),
            (Call::Get | Call::Look, Answer::Found { etag, .. }) => {
                (Need::Tag(self.number(etag)), Effect::Keeps)
            }
            (Call::Get | Call::Look | Call::Touch { .. }, Answer::Absent) => (Need::Absent, Effect::Keeps),
            (Call::Write { .. } | Call::Delete { .. }, Answer::Absent) => match need {
                Need::Tag(_) => (Need::Absent, Effect::Keeps),
                _ => return None,
            },
            (_, Answer::Refused) => match need {
                Need::Absent => (Need::Present, Effect::Keeps),
                Need::Tag(tag) => (Need::PresentBut(tag), Effect::Keeps),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// The ETags that some call found, and that no write was told. Each ETag has one body.
    fn seen(&self, history: &[&Event], known: &[Known]) -> Result<Vec<Loose>, What> {
        let mut seen: Vec<Loose> = Vec::new();
        let mut place: HashMap<Tag, usize> = HashMap::new();
        for claim in known {
            let Need::Tag(tag) = claim.need else { continue };
            let body = match &history[claim.event].answer {
                Answer::Found { body, .. } => *body,
                _ => None,
            };
            let of = match self.written.get(&tag) {
                Some(written) => Some(*written),
                None => {
                    let at = *place.entry(tag).or_insert_with(|| {
                        seen.push(Loose { tag, body });
                        seen.len() - 1
                    });
                    seen[at].body = seen[at].body.or(body);
                    seen[at].body
                }
            };
            if let (Some(of), Some(body)) = (of, body)
                && of != body
            {
                return Err(What::TwoBodies(self.name(tag), of, body));
            }
        }
        Ok(seen)
    }
}

impl Call {
    fn condition(&self) -> &Condition {
        match self {
            Self::Write { condition, .. } | Self::Touch { condition } | Self::Delete { condition } => {
                condition
            }
            Self::Get | Self::Look => &Condition::None,
        }
    }
}
