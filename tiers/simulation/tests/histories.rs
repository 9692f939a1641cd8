//! The judge of histories against histories that a register really gave, against spoiled ones, and against a judge that tries everything.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use proptest::prelude::*;
use terrace_simulation::history::{Answer, BodyId, Call, Condition, Event, What, check};

type Register = Option<(Arc<str>, BodyId)>;

/// xorshift64*: enough to draw a history from a number.
struct Draw(u64);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Start(u32),
    Effect(usize),
    End(usize),
}

/// Clients that call a real register, each call with its effect at some moment of its own.
struct Clients {
    draw: Draw,
    /// Percent of the calls that have no certain answer.
    doubtful: u64,
    left: usize,
    agenda: BinaryHeap<Reverse<(u64, usize, Step)>>,
    steps: usize,
    tick: u64,
    register: Register,
    known: Vec<Arc<str>>,
    events: Vec<Event>,
    answers: Vec<Answer>,
}

impl Clients {
    fn run(seed: u64, clients: u32, calls: usize, doubtful: u64) -> Vec<Event> {
        let mut all = Self {
            draw: Draw::new(seed),
            doubtful,
            left: calls,
            agenda: BinaryHeap::new(),
            steps: 0,
            tick: 0,
            register: None,
            known: vec!["guess".into()],
            events: Vec::new(),
            answers: Vec::new(),
        };
        for client in 0..clients {
            all.at(u64::from(client), Step::Start(client));
        }
        while let Some(Reverse((now, _, step))) = all.agenda.pop() {
            match step {
                Step::Start(client) => all.start(now, client),
                Step::Effect(event) => all.effect(event),
                Step::End(event) => {
                    all.events[event].returned = Some(all.tick());
                    all.events[event].answer = all.answers[event].clone();
                    all.at(now + 1, Step::Start(all.events[event].client));
                }
            }
        }
        all.events
    }

    fn at(&mut self, time: u64, step: Step) {
        self.steps += 1;
        self.agenda.push(Reverse((time, self.steps, step)));
    }

    fn tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    fn start(&mut self, now: u64, client: u32) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let (event, called) = (self.events.len(), self.tick());
        let call = self.call(event);
        let object = "bucket/key".into();
        self.events.push(Event { client, object, called, returned: None, call, answer: Answer::Unknown });
        self.answers.push(Answer::Unknown);
        let effect = now + self.draw.below(20);
        let end = effect + self.draw.below(20);
        if !self.draw.percent(self.doubtful) {
            self.at(effect, Step::Effect(event));
            self.at(end, Step::End(event));
            return;
        }
        match self.draw.below(5) {
            0 => self.answers[event] = Answer::NotDone,
            1 => {}
            _ => {
                let late = now + self.draw.below(200);
                self.at(late, Step::Effect(event));
            }
        }
        if self.draw.percent(70) {
            self.at(end, Step::End(event));
        } else {
            self.at(end, Step::Start(client));
        }
    }

    fn call(&mut self, event: usize) -> Call {
        let condition = match self.draw.below(10) {
            0..=5 => Condition::None,
            6 | 7 => Condition::Absent,
            _ => {
                // Mostly of late: a client takes what it has just read.
                let age = self.draw.below(3.min(self.known.len() as u64)) as usize;
                Condition::Is(self.known[self.known.len() - 1 - age].clone())
            }
        };
        match self.draw.below(10) {
            0..=3 => Call::Write { body: BodyId(event as u64), condition },
            4 => Call::Touch { condition },
            5 => Call::Look,
            6..=8 => Call::Get,
            _ => Call::Delete { condition },
        }
    }

    fn effect(&mut self, event: usize) {
        let call = self.events[event].call.clone();
        let etag: Arc<str> = format!("e{event}").into();
        let answer = answer(&mut self.register, &call, &etag);
        if let Answer::Found { etag, .. } | Answer::Written(etag) = &answer {
            self.known.push(etag.clone());
        }
        // One that is to have no certain answer has none, though it has happened.
        if self.agenda.iter().any(|Reverse((_, _, step))| *step == Step::End(event))
            && self.answers[event] == Answer::Unknown
        {
            self.answers[event] = answer;
        }
    }
}

/// What the register answers, and becomes.
fn answer(register: &mut Register, call: &Call, etag: &Arc<str>) -> Answer {
    let condition = match call {
        Call::Write { condition, .. } | Call::Touch { condition } | Call::Delete { condition } => condition,
        Call::Get | Call::Look => &Condition::None,
    };
    match (condition, &register) {
        (Condition::Absent, Some(_)) => return Answer::Refused,
        (Condition::Is(_), None) => return Answer::Absent,
        (Condition::Is(wanted), Some((etag, _))) if wanted != etag => return Answer::Refused,
        _ => {}
    }
    match (call, &register) {
        (Call::Write { body, .. }, _) => {
            *register = Some((etag.clone(), *body));
            Answer::Written(etag.clone())
        }
        (Call::Delete { .. }, _) => {
            *register = None;
            Answer::Deleted
        }
        (_, None) => Answer::Absent,
        (Call::Touch { .. }, Some((etag, _))) => Answer::Written(etag.clone()),
        (Call::Get, Some((etag, body))) => Answer::Found { etag: etag.clone(), body: Some(*body) },
        (Call::Look, Some((etag, _))) => Answer::Found { etag: etag.clone(), body: None },
    }
}

/// Changes one answer, or one moment, into another that a client might have seen.
fn spoil(events: &mut [Event], seed: u64) {
    let mut draw = Draw::new(seed);
    let told: Vec<(Arc<str>, Option<BodyId>)> = events
        .iter()
        .filter_map(|event| match (&event.answer, &event.call) {
            (Answer::Written(etag), Call::Write { body, .. }) => Some((etag.clone(), Some(*body))),
            (Answer::Found { etag, body }, _) => Some((etag.clone(), *body)),
            _ => None,
        })
        .collect();
    let at = draw.below(events.len() as u64) as usize;
    let (etag, body) = match told.len() as u64 {
        0 => ("none".into(), None),
        len => told[draw.below(len) as usize].clone(),
    };
    let event = &mut events[at];
    event.answer = match (&event.call, draw.below(4)) {
        (Call::Get | Call::Look, 0) => Answer::Absent,
        (Call::Get, _) => Answer::Found { etag, body: body.or(Some(BodyId(0))) },
        (Call::Look, _) => Answer::Found { etag, body: None },
        (_, 0) => Answer::NotDone,
        (_, 1) => Answer::Refused,
        (Call::Delete { .. }, _) => Answer::Deleted,
        (Call::Write { .. }, _) => Answer::Written(format!("new{at}").into()),
        (Call::Touch { .. }, _) => Answer::Written(etag),
    };
}

/// Tries every order, with every ETag that anybody saw for each write that was told none.
fn tries_everything(
    left: &[Event],
    register: &Register,
    used: &BTreeSet<Arc<str>>,
    seen: &[Arc<str>],
) -> bool {
    let certain = |event: &Event| event.returned.is_some() && event.answer != Answer::Unknown;
    if !left.iter().any(certain) {
        return true;
    }
    let first_end = left.iter().filter(|event| certain(event)).filter_map(|event| event.returned).min();
    (0..left.len()).filter(|at| Some(left[*at].called) < first_end).any(|at| {
        let mut rest = left.to_vec();
        let event = rest.remove(at);
        let fresh = format!("fresh{}", left.len()).into();
        let etags: Vec<Arc<str>> = match (&event.answer, certain(&event)) {
            (Answer::Written(etag), true) => vec![etag.clone()],
            (_, true) => vec![fresh],
            (_, false) => seen.iter().filter(|etag| !used.contains(*etag)).cloned().chain([fresh]).collect(),
        };
        etags.iter().any(|etag| {
            let mut register = register.clone();
            let mut used = used.clone();
            let answer = answer(&mut register, &event.call, etag);
            if matches!((&event.call, &answer), (Call::Write { .. }, Answer::Written(_))) {
                used.insert(etag.clone());
            }
            (!certain(&event) || answer == event.answer) && tries_everything(&rest, &register, &used, seen)
        })
    })
}

/// Whether there is an order, found out without any thought.
fn has_an_order(events: &[Event]) -> bool {
    let done = |event: &&Event| event.returned.is_none() || event.answer != Answer::NotDone;
    let events: Vec<Event> = events.iter().filter(done).cloned().collect();
    let (mut written, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for event in events.iter().filter(|event| event.returned.is_some()) {
        match (&event.call, &event.answer) {
            (Call::Write { .. }, Answer::Written(etag)) if !written.insert(etag.clone()) => return false,
            (_, Answer::Found { etag, .. }) | (Call::Touch { .. }, Answer::Written(etag)) => {
                seen.insert(etag.clone());
            }
            _ => {}
        }
        if let Call::Write { condition: Condition::Is(etag), .. }
        | Call::Delete { condition: Condition::Is(etag) } = &event.call
            && matches!(event.answer, Answer::Written(_) | Answer::Deleted)
        {
            seen.insert(etag.clone());
        }
    }
    let seen: Vec<Arc<str>> = seen.difference(&written).cloned().collect();
    tries_everything(&events, &None, &written, &seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_history_of_a_register_is_accepted(seed: u64, clients in 1_u32..13, calls in 1_usize..300, doubtful in 0_u64..40) {
        let events = Clients::run(seed, clients, calls, doubtful);
        if let Err(violation) = check(&events) {
            return Err(TestCaseError::fail(violation.to_string()));
        }
    }

    #[test]
    fn a_history_that_may_be_spoiled_is_always_decided(seed: u64, clients in 1_u32..13, calls in 1_usize..300) {
        let mut events = Clients::run(seed, clients, calls, 15);
        spoil(&mut events, seed);
        if let Err(violation) = check(&events) {
            prop_assert_ne!(&violation.what, &What::Undecided, "{}", violation);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_judge_that_tries_everything_agrees(seed: u64, clients in 1_u32..4, calls in 1_usize..7, spoils in 0_u64..3) {
        let mut events = Clients::run(seed, clients, calls, 40);
        for nth in 0..spoils {
            spoil(&mut events, seed.wrapping_add(nth));
        }
        let verdict = check(&events);
        if matches!(&verdict, Err(violation) if matches!(violation.what, What::Nonsense(_))) {
            return Ok(());
        }
        let text: String = events.iter().map(|event| format!("{event}\n")).collect();
        prop_assert_eq!(verdict.is_ok(), has_an_order(&events), "{}", text);
    }
}

#[test]
fn most_spoiled_histories_are_rejected() {
    let rejected = (0..300)
        .filter(|seed| {
            let mut events = Clients::run(*seed, 6, 120, 10);
            spoil(&mut events, seed + 1);
            check(&events).is_err()
        })
        .count();
    assert!(rejected > 150, "{rejected} of 300");
}
