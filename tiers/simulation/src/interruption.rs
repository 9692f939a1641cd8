//! Every write, cut off at each of its polls: by its client, or by the end of its process.

use std::sync::Arc;

use terrace_store::object::WriteCondition;
use tokio::runtime::Builder;

pub use crate::actors::End;
use crate::actors::{BUCKETS, Client, Cut, KEYS, Place, place, start};
use crate::faults::Operation;
use crate::history::{self, Condition};
use crate::oracle::come_to_rest;
use crate::report::{Options, Violation};
use crate::world::{Course, Engines, INLINE_MAX};

/// What is there before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// A small body.
    Inline,
    /// A large one.
    Large,
    /// One of three parts.
    Parts,
}

/// Which write it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// A small body.
    PutInline,
    /// A large one.
    PutLarge,
    /// A deletion.
    Delete,
    /// A deletion together with others.
    DeleteMany,
    /// A copy of a small body, a large one, or one of parts.
    Copy(Before),
    /// New metadata.
    CopyOnto,
    /// A part of an upload.
    Part,
    /// The parts of an upload become the object. If again, the client asks once more.
    Complete {
        /// Whether it does.
        again: bool,
    },
    /// An upload ends.
    Abort,
}

/// Every write over everything that can be there.
#[must_use]
pub fn cases() -> Vec<(Write, Before)> {
    use Before::{Inline, Large, Nothing, Parts};
    let writes = [
        Write::PutInline,
        Write::PutLarge,
        Write::Delete,
        Write::DeleteMany,
        Write::Copy(Inline),
        Write::Copy(Large),
        Write::Copy(Parts),
        Write::CopyOnto,
        Write::Part,
        Write::Complete { again: false },
        Write::Complete { again: true },
        Write::Abort,
    ];
    let all =
        writes.into_iter().flat_map(|write| [Nothing, Inline, Large, Parts].map(|before| (write, before)));
    // Of nothing there is no copy, and what is there is nothing to a part.
    all.filter(|(write, before)| !matches!((write, before), (Write::Part | Write::Abort, Inline | Parts)))
        .collect()
}

/// What came of an interruption.
#[derive(Clone, Debug)]
pub struct Interrupted {
    /// Whether the write had come to its end before.
    pub ended: bool,
    /// What was broken.
    pub violations: Vec<Violation>,
}

/// Polls a write `polls` times and ends it, lets everything settle, and judges. The seed decides how long engines take. Must not be called on a
/// runtime.
#[must_use]
pub fn interrupt(case: (Write, Before), (polls, end): (u64, End), seed: u64) -> Interrupted {
    match Builder::new_current_thread().enable_time().start_paused(true).build() {
        Ok(runtime) => runtime.block_on(interrupted(case, (polls, end), seed)),
        Err(error) => broken(format!("no runtime: {error}")),
    }
}

fn broken(what: String) -> Interrupted {
    Interrupted { ended: true, violations: vec![Violation { oracle: "a run runs", what }] }
}

async fn interrupted((write, before): (Write, Before), (polls, end): (u64, End), seed: u64) -> Interrupted {
    let options = Options { faults: false, ..Options::default() };
    let engines = match Engines::new(seed, Course::new(seed, &options)) {
        Ok(engines) => Arc::new(engines),
        Err(error) => return broken(format!("no metrics: {error}")),
    };
    let node = start(&engines).await;
    engines.join(Arc::clone(&node));
    if end == End::Crash {
        // Somebody else must be there for who asks again.
        engines.join(start(&engines).await);
    }
    let (here, there) = (place(BUCKETS[0], KEYS[0]), place(BUCKETS[0], KEYS[1]));
    if let Err(error) = node.store.create_bucket(here.bucket.clone(), "owner").await {
        return broken(format!("no bucket: {error:?}"));
    }
    let client = Client { cut: Some(Cut::new(operation(write), polls, end)), ..Client::new(&engines, 1) };
    let first = Client::new(&engines, 0);
    first.put_before(&here, before).await;
    if let Write::Copy(source) = write {
        first.put_before(&there, source).await;
    }
    client.write(write, &here, &there, &first).await;
    come_to_rest(&engines).await;
    if let Err(violation) = history::check(&engines.events.lock()) {
        engines.course.violated("the history is that of registers", violation.to_string());
    }
    match client.cut.as_ref().and_then(Cut::came_to_its_end) {
        Some(ended) => Interrupted { ended, violations: engines.course.violations() },
        None => broken(format!("{write:?} over {before:?} is no call")),
    }
}

fn operation(write: Write) -> Operation {
    match write {
        Write::PutInline => Operation::PutInline,
        Write::PutLarge => Operation::PutLarge,
        Write::Delete => Operation::Delete,
        Write::DeleteMany => Operation::DeleteMany,
        Write::Copy(_) => Operation::Copy,
        Write::CopyOnto => Operation::CopyOnto,
        Write::Part => Operation::UploadPart,
        Write::Complete { .. } => Operation::Complete,
        Write::Abort => Operation::Abort,
    }
}

const LARGE: usize = INLINE_MAX * 3;

impl Client {
    async fn put_before(&self, object: &Place, before: Before) {
        let free = || (Condition::None, WriteCondition::default());
        match before {
            Before::Nothing => {}
            Before::Inline => self.put_object(Operation::PutInline, object, INLINE_MAX, free()).await,
            Before::Large => self.put_object(Operation::PutLarge, object, LARGE, free()).await,
            Before::Parts => self.upload_whole(object, self, 1).await,
        }
    }

    /// Uploads three parts and completes with two of them, the parts by `first`.
    async fn upload_whole(&self, object: &Place, first: &Self, tries: usize) {
        let Some(upload) = first.create_upload(object).await else { return };
        let mut parts = Vec::new();
        for (number, length) in [(1, LARGE), (2, INLINE_MAX), (3, LARGE)] {
            parts.extend(first.own_part(&upload, number, length).await);
        }
        parts.pop();
        self.complete(object, &upload, parts, tries).await;
    }

    async fn write(&self, write: Write, here: &Place, there: &Place, first: &Self) {
        let free = (Condition::None, WriteCondition::default());
        match write {
            Write::PutInline => self.put_object(Operation::PutInline, here, INLINE_MAX, free).await,
            Write::PutLarge => self.put_object(Operation::PutLarge, here, LARGE, free).await,
            Write::Delete => self.delete_object(Operation::Delete, here).await,
            Write::DeleteMany => self.delete_these(BUCKETS[0], &KEYS).await,
            Write::Copy(_) => self.copy_object(there, here).await,
            Write::CopyOnto => self.copy_onto_itself(here).await,
            Write::Part => {
                let Some(upload) = first.create_upload(here).await else { return };
                first.own_part(&upload, 1, LARGE).await;
                self.own_part(&upload, 1, LARGE).await;
            }
            Write::Complete { again } => self.upload_whole(here, first, 1 + usize::from(again)).await,
            Write::Abort => {
                let Some(upload) = first.create_upload(here).await else { return };
                first.own_part(&upload, 1, LARGE).await;
                first.own_part(&upload, 2, INLINE_MAX).await;
                self.abort(&upload).await;
            }
        }
    }
}
