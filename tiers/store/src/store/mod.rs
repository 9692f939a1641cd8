//! The store: what its operations share.

mod open;
mod settings;

use std::ops::Deref;
use std::sync::Arc;

use terrace_high_volume::{Facts, Kv};
use terrace_long_term::BlobStore;
use terrace_runtime::{Clock, Ids, Tasks};

use crate::catalog::Catalog;
use crate::metrics::Metrics;
use crate::name::{Node, Revision};
use crate::reclaim::Reclaim;
use crate::ticket::Fences;
use crate::transact::Witnesses;

pub use open::{OpenError, Parts};
pub use settings::Settings;

/// Whether there is room for more bytes on the machine. Asked before every write that adds bytes.
pub trait Space: Send + Sync {
    /// `false`: writes that add bytes are refused; deletes, aborts and reclaim go on.
    fn admits_writes(&self) -> bool;
}

/// Room without end: tests, and engines that mind their own space.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boundless;

impl Space for Boundless {
    fn admits_writes(&self) -> bool {
        true
    }
}

/// The tiered object store. Cheap to clone; its operations are methods, one file each under `ops/`.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// What all clones share. Crate-private by its module; reached through `Store`'s `Deref`.
pub struct Shared {
    pub(crate) kv: Arc<dyn Kv>,
    pub(crate) facts: Facts,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) tasks: Tasks,
    pub(crate) space: Arc<dyn Space>,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    pub(crate) node: Node,
    pub(crate) catalog: Catalog,
    pub(crate) fences: Fences,
    pub(crate) reclaim: Reclaim,
    pub(crate) witnesses: Witnesses,
}

impl Deref for Store {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Store {
    /// The name of this process start among the nodes: what a peer recovers after its death.
    #[must_use]
    pub fn node(&self) -> Node {
        self.node
    }

    /// A fresh revision.
    pub(crate) fn mint(&self) -> Revision {
        Revision(self.ids.revision())
    }
}
