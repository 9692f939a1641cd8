//! Reclaim: deleting blobs (and the rows of finished uploads) that no record names any more, after a grace time and never while a reader
//! may still want them (data model, D8).
//!
//! A transaction that takes the last reference to a blob queues it in the same commit. One worker takes the queue from its head, deletes on
//! the long-term tier, then clears the rows. Each step can be done twice.

mod expand;
mod hold;
mod part;
mod pass;
mod pins;
pub(crate) mod queue;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use hold::Hold;
pub(crate) use part::waste_of_part;
pub(crate) use pins::Pin;

use hold::Holds;
use pins::Pins;

use crate::name::BucketId;

/// What readers, writers and the worker share.
#[derive(Default)]
pub(crate) struct Reclaim {
    wake: Notify,
    pins: Arc<Pins>,
    holds: Arc<Holds>,
    /// Deleted buckets of which the long-term tier may still hold something besides blobs.
    emptied: Mutex<BTreeSet<BucketId>>,
}

impl Reclaim {
    /// Tells the worker that there may be something to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Remembers a bucket whose last blob will soon be gone. Lost at a restart: what stays is an empty place.
    pub(crate) fn bucket_deleted(&self, bid: BucketId) {
        self.emptied.lock().insert(bid);
    }

    /// Keeps what was current at `version` from being deleted until the pin is dropped.
    pub(crate) fn pin(&self, version: terrace_high_volume::Version) -> Pin {
        self.pins.pin(version)
    }

    /// A pin for a reader that has no version yet: at the last one that anybody has read at, so that the version it will get is none before.
    pub(crate) fn pin_ahead(&self) -> Pin {
        self.pins.pin_ahead()
    }

    /// Somebody reads at `version`.
    pub(crate) fn seen(&self, version: terrace_high_volume::Version) {
        self.pins.seen(version);
    }

    /// Keeps everything from being deleted until the hold is dropped; returns once no deletion is under way.
    pub(crate) async fn hold(&self) -> Hold {
        self.holds.hold().await
    }
}
