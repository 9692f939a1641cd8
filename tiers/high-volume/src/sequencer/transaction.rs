//! A transaction's own side: what it reads, what it remembers, how it asks for a commit.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use terrace_runtime::Clock;

use super::core::{Published, Request};
use super::engine::{Engine, Snapshot};
use super::limits::{self, READ_LIFE};
use super::{Offload, Sequencer, closed};
use crate::error::{KvError, KvErrorKind};
use crate::kv::{Begin, CatalogVersion, Commit, Stamp, Transaction, Version};
use crate::mutation::{Conflict, Mutation};
use crate::range::{Key, KeyRange, Page, RangeOptions, Read, after};

/// Conflicts and writes of a transaction that has not asked for its commit yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) read_keys: Vec<Key>,
    pub(super) read_ranges: Vec<KeyRange>,
    pub(super) write_ranges: Vec<KeyRange>,
    pub(super) mutations: Vec<Mutation>,
}

struct ReadPoint<E: Engine> {
    published: Arc<Published<E>>,
    taken: Duration,
}

impl<E: Engine> ReadPoint<E> {
    fn is_old(&self, clock: &dyn Clock) -> bool {
        clock.monotonic().saturating_sub(self.taken) > READ_LIFE
    }
}

pub(super) struct Sequenced<E: Engine> {
    sequencer: Arc<Sequencer<E>>,
    begin: Begin,
    /// Taken by the first read, as FoundationDB does: a transaction that only writes has none and can never be too old.
    read: OnceLock<ReadPoint<E>>,
    pending: Mutex<Pending>,
}

impl<E: Engine> Sequenced<E> {
    pub(super) fn new(sequencer: Arc<Sequencer<E>>, begin: Begin) -> Self {
        Self { sequencer, begin, read: OnceLock::new(), pending: Mutex::default() }
    }

    /// The read point, taken now if there is none yet.
    fn point(&self) -> Result<&ReadPoint<E>, KvError> {
        if let Some(point) = self.read.get() {
            return if self.sequencer.is_open() { Ok(point) } else { Err(closed()) };
        }
        let published = self.sequencer.published()?;
        Ok(self.read.get_or_init(|| ReadPoint { published, taken: self.sequencer.clock.monotonic() }))
    }

    fn view(&self) -> Result<&Arc<Published<E>>, KvError> {
        let point = self.point()?;
        if point.is_old(&*self.sequencer.clock) {
            return Err(too_old());
        }
        Ok(&point.published)
    }

    /// Runs a read on a thread that may block.
    async fn elsewhere<T: Send + 'static>(
        &self,
        offload: &Offload,
        read: impl FnOnce(&E::Snapshot) -> Result<T, KvError> + Send + 'static,
    ) -> Result<T, KvError> {
        let published = Arc::clone(self.view()?);
        offload
            .tasks
            .blocking("high-volume read", move || read(&published.snapshot))
            .await
            .map_err(|cause| KvError::caused(KvErrorKind::Unavailable, "the read was cut off", cause))?
    }
}

fn too_old() -> KvError {
    KvError::new(KvErrorKind::TooOld, "the read version is more than 5 s old")
}

#[async_trait]
impl<E: Engine> Transaction for Sequenced<E> {
    async fn read_version(&self) -> Result<Version, KvError> {
        Ok(self.point()?.published.version)
    }

    async fn catalog_version(&self) -> Result<CatalogVersion, KvError> {
        Ok(self.view()?.catalog)
    }

    async fn get_many(&self, keys: &[Key], read: Read) -> Result<Vec<Option<Bytes>>, KvError> {
        for key in keys {
            limits::check_read(key)?;
        }
        let values = match &self.sequencer.offload {
            Some(offload) if keys.len() > offload.inline_keys => {
                let keys = keys.to_vec();
                self.elsewhere(offload, move |rows| keys.iter().map(|key| rows.get(key)).collect()).await?
            }
            _ => {
                let rows = &self.view()?.snapshot;
                keys.iter().map(|key| rows.get(key)).collect::<Result<_, _>>()?
            }
        };
        if read == Read::Serializable {
            self.pending.lock().read_keys.extend_from_slice(keys);
        }
        Ok(values)
    }

    async fn range(&self, range: KeyRange, options: RangeOptions) -> Result<Page, KvError> {
        if options.limit == 0 {
            return Err(KvError::new(KvErrorKind::Bug, "a range read needs a limit of at least 1"));
        }
        let RangeOptions { limit, reverse, read } = options;
        let page = match &self.sequencer.offload {
            _ if range.is_empty() => self.view().map(|_| Page::default())?,
            Some(offload) if limit > offload.inline_rows => {
                let range = range.clone();
                self.elsewhere(offload, move |rows| rows.range(&range, limit, reverse)).await?
            }
            _ => self.view()?.snapshot.range(&range, limit, reverse)?,
        };
        if read == Read::Serializable {
            self.pending.lock().read_ranges.push(really_read(range, &page, reverse));
        }
        Ok(page)
    }

    fn conflict(&self, range: KeyRange, kind: Conflict) {
        let mut pending = self.pending.lock();
        match kind {
            Conflict::Read => pending.read_ranges.push(range),
            Conflict::Write => pending.write_ranges.push(range),
        }
    }

    fn mutate(&self, mutation: Mutation) {
        self.pending.lock().mutations.push(mutation);
    }

    async fn commit(self: Box<Self>) -> Result<Commit, KvError> {
        let this = *self;
        let pending = this.pending.into_inner();
        let read = this.read.into_inner();
        if pending.mutations.is_empty() && pending.write_ranges.is_empty() {
            let version = match read {
                Some(point) => point.published.version,
                None => this.sequencer.published()?.version,
            };
            return Ok(Commit { version, stamp: Stamp::default() });
        }
        let bytes = limits::check(&pending)?;
        let published = match read {
            Some(point) => {
                let reads = !(pending.read_keys.is_empty() && pending.read_ranges.is_empty());
                if reads && point.is_old(&*this.sequencer.clock) {
                    return Err(too_old());
                }
                point.published
            }
            None => this.sequencer.published()?,
        };
        this.sequencer
            .submit(Request { published, pending, always_sync: this.begin.always_sync, bytes })
            .await
    }
}

/// The part of `range` that a read which answered `page` has looked at.
fn really_read(range: KeyRange, page: &Page, reverse: bool) -> KeyRange {
    match page.rows.last() {
        Some((last, _)) if page.more && reverse => KeyRange { begin: last.clone(), end: range.end },
        Some((last, _)) if page.more => KeyRange { begin: range.begin, end: after(last) },
        _ => range,
    }
}
