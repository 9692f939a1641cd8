//! Which call meets which fault.

use std::time::Duration;

use parking_lot::Mutex;

use crate::error::{BlobErrorKind, PutOutcome};
use crate::key::BlobKey;

/// The calls at which a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// [`BlobStore::put`](crate::BlobStore::put)
    Put,
    /// [`BlobStore::get`](crate::BlobStore::get)
    Get,
    /// [`BlobStore::head`](crate::BlobStore::head)
    Head,
    /// [`BlobStore::delete`](crate::BlobStore::delete)
    Delete,
    /// [`BlobStore::list`](crate::BlobStore::list)
    List,
    /// [`BlobStore::buckets`](crate::BlobStore::buckets)
    Buckets,
    /// [`BlobStore::copy`](crate::BlobStore::copy)
    Copy,
    /// [`BlobStore::forget_bucket`](crate::BlobStore::forget_bucket)
    ForgetBucket,
    /// [`BlobStore::deployment`](crate::BlobStore::deployment)
    Deployment,
    /// [`BlobStore::bind`](crate::BlobStore::bind)
    Bind,
}

/// What goes wrong. Those that name a call fit only that call: elsewhere they end it with `Bug`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Any call: nothing is done, and it ends with this error, settled.
    Refused(BlobErrorKind),
    /// Any call: this long nothing happens, then all goes well. Waits on tokio's clock.
    Slow(Duration),
    /// Any call: it never answers.
    Stalled,
    /// Put, copy, delete, bind: it is done, and the answer is lost (`TimedOut`, unknown).
    AnswerLost,
    /// Put: the way to the backend breaks when `at` bytes of the body have been read, or at its end if it is shorter. Nothing is stored,
    /// and the put ends with `Unavailable`.
    PutCut {
        /// Bytes of the body that are read.
        at: u64,
        /// Whether the caller is told that nothing is stored, or has to find out.
        outcome: PutOutcome,
    },
    /// Put: the whole body is read, the put ends with `Unavailable`, unknown, and the blob appears this much later, whatever was
    /// deleted meanwhile. Waits on tokio's clock in a tracked cleanup.
    LandsLate(Duration),
    /// Get: its stream ends with an error after this many bytes, or at its end if it is shorter.
    BreaksAt(u64),
    /// Get: its stream stops for ever after this many bytes, or at its end if it is shorter. Put: when that much of the body has been
    /// read it is read no further, and the put never answers; nothing is stored.
    StallsAt(u64),
    /// List: the last so many puts, copies and deletes that went through are not seen yet.
    Stale(usize),
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Which call.
    pub point: Point,
    /// How many calls of this kind there were, this one included: 1 for the first.
    pub nth: u64,
    /// Its blob, if it has one; for a copy the one that is made.
    pub key: Option<&'a BlobKey>,
}

/// Decides for each call. A closure is a plan.
pub trait Plan: Send + Sync {
    /// The fault that this call meets; `None`: all goes well. Called once for each call, in the order in which they begin.
    fn fault(&self, call: &Call<'_>) -> Option<Fault>;
}

impl<F: Fn(&Call<'_>) -> Option<Fault> + Send + Sync> Plan for F {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        self(call)
    }
}

/// A plan that is written down, and may be added to while it runs: each line strikes once.
#[derive(Debug, Default)]
pub struct Script {
    lines: Mutex<Vec<(Point, u64, Fault)>>,
}

impl Script {
    /// The call number `nth` of its kind (1 = the first since the wrapper was made) meets `fault`.
    #[must_use]
    pub fn on(self, point: Point, nth: u64, fault: Fault) -> Self {
        self.add(point, nth, fault);
        self
    }

    /// As [`on`](Self::on), while it runs.
    pub fn add(&self, point: Point, nth: u64, fault: Fault) {
        self.lines.lock().push((point, nth, fault));
    }

    /// How many lines have not struck yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.lines.lock().len()
    }
}

impl Plan for Script {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        let mut lines = self.lines.lock();
        let at = lines.iter().position(|(point, nth, _)| (*point, *nth) == (call.point, call.nth))?;
        Some(lines.remove(at).2)
    }
}
