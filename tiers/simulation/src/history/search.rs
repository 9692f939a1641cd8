//! The search for an order, after Wing and Gong with the memory of Lowe: a state is the set of calls that have their place and what the
//! register then holds, and no state is looked at twice.
//!
//! Three things keep it small. A call that leaves the register as it is takes its place as soon as its answer is right. An ETag is not
//! overwritten while a call that saw it has no place yet, since it never comes back. And a call that may never have happened takes a place
//! only right before one whose answer it explains: anywhere else it could as well be left out.

use std::collections::HashSet;
use std::sync::Arc;

use super::claim::{Claims, Effect, Need, Tag, UNSEEN};

/// How a search failed: at the state with the most calls in their places.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    /// Positions in the history of the calls that had their place.
    pub(super) placed: Vec<usize>,
    /// What the register held; `Some(None)`: a body with an ETag that nobody saw.
    pub(super) register: Option<Option<Arc<str>>>,
    /// Whether the search ended at its bound, with nothing found out.
    pub(super) at_bound: bool,
}

/// Looks for an order, through `states` states at most.
pub(super) fn search(claims: &Claims, states: usize) -> Result<(), Stuck> {
    let size = claims.known.len() + claims.possible.len() + claims.loose.len();
    let mut search = Search { claims, left: states, furthest: (0, State::empty(size)) };
    let mut seen = HashSet::new();
    let mut open = vec![State::empty(size)];
    while let Some(mut state) = open.pop() {
        let Some(frontier) = search.settle(&mut state) else { return Ok(()) };
        if !seen.insert(state.clone()) {
            continue;
        }
        if !search.spend() {
            return Err(search.stuck(true));
        }
        let Some(mut next) = search.successors(&state, &frontier) else { return Err(search.stuck(true)) };
        next.reverse();
        open.append(&mut next);
    }
    Err(search.stuck(false))
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    /// One bit a known call, then one a possible call, then one a loose ETag that has its write.
    placed: Box<[u64]>,
    register: Option<Tag>,
}

impl State {
    fn empty(bits: usize) -> Self {
        Self { placed: vec![0; bits.div_ceil(64)].into(), register: None }
    }

    fn has(&self, bit: usize) -> bool {
        self.placed[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, bit: usize) {
        self.placed[bit / 64] |= 1 << (bit % 64);
    }
}

/// The known calls that can come next, by the time of their return, and the first of those times.
struct Frontier {
    next: Vec<usize>,
    until: u64,
}

struct Search<'c> {
    claims: &'c Claims,
    left: usize,
    furthest: (usize, State),
}

impl Search<'_> {
    /// Takes one state from the bound.
    fn spend(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Gives their places to all calls that are right as the register is, and leave it so. `None`: all calls have their place.
    fn settle(&mut self, state: &mut State) -> Option<Frontier> {
        loop {
            let frontier = self.frontier(state)?;
            let mut moved = false;
            for &at in &frontier.next {
                let claim = &self.claims.known[at];
                if claim.effect == Effect::Keeps && claim.need.holds(state.register) {
                    state.set(at);
                    moved = true;
                }
            }
            if !moved {
                let count = (0..self.claims.known.len()).filter(|at| state.has(*at)).count();
                if count >= self.furthest.0 {
                    self.furthest = (count, state.clone());
                }
                return Some(frontier);
            }
        }
    }

    fn frontier(&self, state: &State) -> Option<Frontier> {
        let (mut next, mut until) = (Vec::new(), u64::MAX);
        for (at, claim) in self.claims.known.iter().enumerate() {
            if claim.called > until {
                break;
            }
            if !state.has(at) {
                until = until.min(claim.returned);
                next.push(at);
            }
        }
        next.retain(|at| self.claims.known[*at].called < until);
        next.sort_by_key(|at| self.claims.known[*at].returned);
        if next.is_empty() { None } else { Some(Frontier { next, until }) }
    }

    /// The states behind each of the calls that can come next. `None` at the bound.
    fn successors(&mut self, state: &State, frontier: &Frontier) -> Option<Vec<State>> {
        let (mut direct, mut explained) = (Vec::new(), Vec::new());
        for &at in &frontier.next {
            let claim = self.claims.known[at];
            let mut with = state.clone();
            with.set(at);
            if claim.need.holds(state.register) {
                direct.extend(self.after(with, claim.effect));
            } else {
                let mut before = Vec::new();
                self.explain(&with, claim.need, frontier.until, &mut before)?;
                explained.extend(before.into_iter().filter_map(|state| self.after(state, claim.effect)));
            }
        }
        direct.append(&mut explained);
        Some(direct)
    }

    /// The state behind an effect; `None` if an ETag goes that a call still needs.
    fn after(&self, mut state: State, effect: Effect) -> Option<State> {
        let register = match effect {
            Effect::Keeps => return Some(state),
            Effect::Gone => None,
            Effect::Becomes(tag) => Some(tag),
            Effect::BecomesLoose(_) => Some(UNSEEN),
        };
        if let Some(needed_by) = state.register.and_then(|tag| self.claims.needed_by.get(tag as usize))
            && !needed_by.iter().all(|at| state.has(*at))
        {
            return None;
        }
        state.register = register;
        Some(state)
    }

    /// All states in which `need` holds, and that shortest chains of possible calls lead to. `None` at the bound.
    fn explain(&mut self, state: &State, need: Need, until: u64, out: &mut Vec<State>) -> Option<()> {
        if !self.spend() {
            return None;
        }
        let mut tried = HashSet::new();
        for at in 0..self.claims.possible.len() {
            let claim = self.claims.possible[at];
            let bit = self.claims.known.len() + at;
            // Two of the same need and effect are one as good as the other.
            if claim.called >= until || state.has(bit) || !tried.insert((claim.need, claim.effect)) {
                continue;
            }
            let mut with = state.clone();
            with.set(bit);
            for (effect, with) in self.effects(with, claim.effect) {
                let becomes = match effect {
                    Effect::Becomes(tag) => Some(tag),
                    Effect::Keeps | Effect::Gone | Effect::BecomesLoose(_) => None,
                };
                if !need.holds(becomes) {
                    continue;
                }
                if claim.need.holds(state.register) {
                    out.extend(self.after(with, effect));
                } else {
                    let mut before = Vec::new();
                    self.explain(&with, claim.need, until, &mut before)?;
                    out.extend(before.into_iter().filter_map(|state| self.after(state, effect)));
                }
            }
        }
        Some(())
    }

    /// The ETags that a possible call can give to the object.
    fn effects(&self, state: State, effect: Effect) -> Vec<(Effect, State)> {
        let Effect::BecomesLoose(body) = effect else { return vec![(effect, state)] };
        let mut effects = Vec::new();
        for (at, loose) in self.claims.loose.iter().enumerate() {
            let bit = self.claims.known.len() + self.claims.possible.len() + at;
            if !state.has(bit) && (loose.body.is_none() || loose.body == body) {
                let mut with = state.clone();
                with.set(bit);
                effects.push((Effect::Becomes(loose.tag), with));
            }
        }
        effects.push((Effect::Becomes(UNSEEN), state));
        effects
    }

    fn stuck(&self, at_bound: bool) -> Stuck {
        let (_, state) = &self.furthest;
        let known = self.claims.known.iter().map(|claim| claim.event);
        let possible = self.claims.possible.iter().map(|claim| claim.event);
        let placed = known
            .chain(possible)
            .enumerate()
            .filter_map(|(bit, event)| state.has(bit).then_some(event))
            .collect();
        let register = state.register.map(|tag| self.claims.tags.get(tag as usize).cloned());
        Stuck { placed, register, at_bound }
    }
}
