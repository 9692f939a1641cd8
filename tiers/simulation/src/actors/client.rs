//! A client: what it knows, and what it does next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use terrace_store::Error;
use terrace_store::name::{BucketName, ObjectKey};
use terrace_store::object::{ETagList, WriteCondition};

use crate::actors::{Cut, Told, untold};
use crate::history::{Answer, Call, Condition, Event};
use crate::random::Random;
use crate::world::{Engines, INLINE_MAX};

/// Bucket that is always there, and one that comes and goes.
pub(crate) const BUCKETS: [&str; 2] = ["steady", "fleeting"];
/// Keys of each, in order.
pub(crate) const KEYS: [&str; 6] = ["a", "b", "d/x", "d/y", "d/z", "e"];
/// Each client may speak with so many voices: one call that is about several objects is several events.
const VOICES: u32 = 16;

/// An object that clients speak of.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bucket: BucketName,
    pub(crate) key: ObjectKey,
    pub(crate) name: Arc<str>,
}

pub(crate) fn place(bucket: &str, key: &str) -> Place {
    #[expect(clippy::expect_used, reason = "names of this crate")]
    let (bucket, object) = (
        BucketName::new(bucket).expect("a bucket name"),
        ObjectKey::new(key.to_owned()).expect("an object key"),
    );
    Place { name: format!("{}/{key}", bucket.as_str()).into(), bucket, key: object }
}

pub(crate) struct Client {
    pub(crate) engines: Arc<Engines>,
    pub(crate) number: u32,
    pub(crate) random: Random,
    /// The ETag that this client saw last of each object.
    pub(crate) seen: Mutex<BTreeMap<Arc<str>, Arc<str>>>,
    /// Which call of it does not come to its end.
    pub(crate) cut: Option<Cut>,
}

impl Client {
    pub(crate) fn new(engines: &Arc<Engines>, number: u32) -> Self {
        let random = Random::new(engines.seed, 1_000 + u64::from(number));
        Self { engines: Arc::clone(engines), number, random, seen: Mutex::default(), cut: None }
    }

    /// Does `calls` calls, with pauses.
    pub(crate) async fn work(&self, calls: u32) {
        for _ in 0..calls {
            let pause = match self.random.below(20) {
                0..=9 => 0,
                10..=18 => self.random.between(1, 30),
                _ => self.random.between(100, 2_000),
            };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match self.random.below(100) {
                0..=18 => self.put().await,
                19..=24 => self.put_if().await,
                25..=32 => self.get().await,
                33..=37 => self.get_range().await,
                38..=41 => self.head().await,
                42..=45 => self.list().await,
                46..=49 => self.list_folded().await,
                50..=55 => self.delete().await,
                56..=59 => self.delete_if().await,
                60..=61 => self.delete_many().await,
                62..=71 => self.upload().await,
                72..=86 => self.copy().await,
                87..=90 => self.copy_onto().await,
                91..=95 => self.create_bucket().await,
                _ => self.delete_bucket().await,
            }
        }
    }

    /// Any object.
    pub(crate) fn any_place(&self) -> Place {
        place(self.any_bucket(), self.random.pick::<&str>(&KEYS))
    }

    /// Mostly the steady one.
    pub(crate) fn any_bucket(&self) -> &'static str {
        BUCKETS[usize::from(self.random.chance(300))]
    }

    /// A length on either side of every border.
    pub(crate) fn any_length(&self) -> usize {
        let inline = INLINE_MAX as u64;
        let length = match self.random.below(10) {
            0 => 0,
            1..=3 => self.random.between(16, inline - 1),
            4 => inline,
            5 => inline + 1,
            _ => self.random.between(inline + 1, inline * 8),
        };
        usize::try_from(length).unwrap_or(INLINE_MAX)
    }

    /// Metadata that fits into a record, or not.
    pub(crate) fn any_metadata(&self) -> terrace_store::object::Metadata {
        let length = if self.random.chance(150) { 700 } else { 5 };
        let user = vec![("note".to_owned(), "x".repeat(length))];
        terrace_store::object::Metadata { user, ..Default::default() }
    }

    /// Takes down what became of a call about one object; `voice` tells apart events of one call.
    pub(crate) fn record(
        &self,
        voice: u32,
        object: &Place,
        called: u64,
        (call, answer): (Call, Option<Answer>),
    ) {
        let returned =
            answer.as_ref().filter(|answer| **answer != Answer::Unknown).map(|_| self.engines.course.tick());
        if let Some(Answer::Found { etag, .. } | Answer::Written(etag)) = &answer {
            self.seen.lock().insert(Arc::clone(&object.name), Arc::clone(etag));
        }
        let event = Event {
            client: self.number * VOICES + voice,
            object: Arc::clone(&object.name),
            called,
            returned,
            call,
            answer: answer.unwrap_or(Answer::Unknown),
        };
        self.engines.course.note(format_args!("{event:?}"));
        self.engines.events.lock().push(event);
    }

    /// A condition that may hold, and how to ask for it.
    pub(crate) fn any_condition(&self, object: &Place, may_be_absent: bool) -> (Condition, WriteCondition) {
        let seen = self.seen.lock().get(&object.name).map(Arc::clone);
        match seen {
            Some(etag) if !may_be_absent || self.random.chance(600) => {
                let list = Some(ETagList::These(vec![etag.to_string()]));
                (Condition::Is(etag), WriteCondition { if_match: list, if_none_match: None })
            }
            _ if may_be_absent => {
                let any = Some(ETagList::Any);
                (Condition::Absent, WriteCondition { if_match: None, if_none_match: any })
            }
            _ => (Condition::None, WriteCondition::default()),
        }
    }

    /// The answer of a call that changes an object, from what the client was told.
    pub(crate) fn answer<T>(&self, told: Told<T>, done: impl FnOnce(T) -> Answer) -> Option<Answer> {
        match told? {
            Ok(outcome) => Some(done(outcome)),
            Err(error) => {
                let answer = untold(&error);
                if answer.is_none() {
                    self.unexpected(&error);
                }
                answer
            }
        }
    }

    /// An error that no client should ever get.
    pub(crate) fn unexpected(&self, error: &Error) {
        self.engines.course.violated("no error is a bug", format!("client {}: {error:?}", self.number));
    }

    /// A body that is sent, whole or not.
    pub(crate) fn sent(
        &self,
        bytes: &Bytes,
        operation: crate::faults::Operation,
    ) -> terrace_store::ops::object::Body {
        let length = self.random.chance(700).then_some(bytes.len() as u64);
        let stream = crate::actors::writes::stream(self, bytes, operation);
        terrace_store::ops::object::Body { stream, length, checksum: Arc::default(), md5: None }
    }
}
