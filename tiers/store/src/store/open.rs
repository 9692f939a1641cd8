//! Opening and closing a store.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use terrace_high_volume::{Kv, Mutation, Read, Transaction};
use terrace_long_term::BlobStore;
use terrace_long_term::layers::measure::TierMetrics;
use terrace_runtime::{Clock, Ids, Tasks};

use crate::error::{Error, Failure, FailureKind};
use crate::metrics::Metrics;
use crate::name::{Node, Revision};
use crate::rows;
use crate::store::{Settings, Shared, Space, Store};
use crate::ticket::Fences;
use crate::transact::{Reading, Run, Step, Stop, Work, get};

/// The layout of rows that this build writes. A build opens its own and older ones.
const LAYOUT: u32 = 1;

/// What a store is made of.
pub struct Parts {
    /// The high-volume tier.
    pub kv: Arc<dyn Kv>,
    /// The long-term tier.
    pub blobs: Arc<dyn BlobStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Owner of everything in the background.
    pub tasks: Tasks,
    /// Whether there is room.
    pub space: Arc<dyn Space>,
    /// Nodes declared dead; shared by the stores of one process.
    pub fences: Fences,
    /// Where the high-volume tier's latencies and sizes are counted; the long-term tier's measuring layer counts into the same.
    pub tiers: TierMetrics,
    /// Numbers.
    pub settings: Settings,
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data was written by a newer release.
    #[error(
        "the data has layout version {found}, and this build knows up to {LAYOUT}: use a release that knows version {found}"
    )]
    NewerLayout {
        /// Version of the data.
        found: u32,
    },
    /// The two tiers belong to different deployments.
    #[error(
        "the tiers do not belong together: the high-volume tier is of deployment {high_volume}, the long-term tier of {long_term}; \
         check data_dir and the settings of section long_term"
    )]
    Unbound {
        /// Id on the high-volume tier, or what stands in its place.
        high_volume: String,
        /// Id on the long-term tier, or what stands in its place.
        long_term: String,
    },
    /// `inline_max` is above the cap.
    #[error("inline_max is {0} bytes, and at most {cap} fit into a transaction", cap = Settings::INLINE_CAP)]
    InlineMax(usize),
    /// A tier failed.
    #[error("the store could not be opened")]
    Failed(#[from] Error),
    /// The metrics could not be registered.
    #[error("the metrics of the store could not be registered")]
    Metrics(#[from] prometheus::Error),
}

impl Store {
    /// Opens a store: checks the layout and that both tiers belong together, takes back what dead processes left unfinished, and starts
    /// reclaim and the sweeper. Must be called on a runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(parts: Parts, registry: &Registry) -> Result<Self, OpenError> {
        let store = Self::assemble(parts, registry)?;
        store.bind().await?;
        store.load_catalog().await?;
        if !store.facts.shared {
            store.recover_all().await?;
        }
        store.start_reclaim();
        store.start_sweeper();
        Ok(store)
    }

    fn assemble(parts: Parts, registry: &Registry) -> Result<Self, OpenError> {
        let Parts { kv, blobs, clock, ids, tasks, space, fences, tiers, settings } = parts;
        if settings.inline_max > Settings::INLINE_CAP {
            return Err(OpenError::InlineMax(settings.inline_max));
        }

        let node = Node(ids.random().to_be_bytes());
        let facts = kv.facts();
        let metrics = Metrics::register(registry, &tiers, facts.name)?;
        let shared = Shared {
            kv,
            facts,
            blobs,
            clock,
            ids,
            tasks,
            space,
            settings,
            metrics,
            node,
            catalog: crate::catalog::Catalog::default(),
            fences,
            reclaim: crate::reclaim::Reclaim::default(),
            witnesses: crate::transact::Witnesses::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Checks the layout, and that both tiers carry the same deployment id; binds two that are new.
    async fn bind(&self) -> Result<(), OpenError> {
        let there = self
            .blobs
            .deployment()
            .await
            .map_err(|error| Error::from(self.blob_failure("read the deployment marker", error)))?;
        let mut work = Bind { fresh: self.mint(), blobs_are_bound: there.is_some() };
        let bound = match self.write(Run::client("open", self.mint()).synced(), &mut work).await? {
            Bound::Newer(found) => return Err(OpenError::NewerLayout { found }),
            Bound::Unbound => None,
            Bound::To(id) => Some(id),
        };
        let there = match (bound, there) {
            // New on both sides, or a first start that ended between the two.
            (Some(id), None) if !self.records_exist().await? => Some(
                self.blobs
                    .bind(id.0)
                    .await
                    .map_err(|error| Error::from(self.blob_failure("write the deployment marker", error)))?,
            ),
            (_, there) => there,
        };
        if bound.is_some() && bound == there.map(Revision) {
            return Ok(());
        }
        let name = |id: Option<Revision>| id.map_or_else(|| "(none)".to_owned(), |id| id.to_string());
        Err(OpenError::Unbound { high_volume: name(bound), long_term: name(there.map(Revision)) })
    }

    /// Opens a store to look at it: nothing is taken back, nothing is reclaimed, no bucket is bound.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn inspect(parts: Parts, registry: &Registry) -> Result<Self, OpenError> {
        let store = Self::assemble(parts, registry)?;
        match store.read("read the layout", &mut Layout).await? {
            Some(found) if found > LAYOUT => return Err(OpenError::NewerLayout { found }),
            _ => {}
        }
        store.load_catalog().await?;
        Ok(store)
    }

    /// Whether the long-term tier carries the id of this deployment at this moment.
    pub(crate) async fn is_bound(&self) -> Result<bool, Error> {
        let there =
            self.blobs.deployment().await.map_err(|e| self.blob_failure("read the deployment marker", e))?;
        Ok(there.is_some() && there.map(Revision) == self.deployment_id().await?)
    }

    /// The id of this deployment, if it has been bound.
    pub(crate) async fn deployment_id(&self) -> Result<Option<Revision>, Error> {
        self.read("read the deployment id", &mut Id).await
    }

    /// Whether any bucket exists.
    async fn records_exist(&self) -> Result<bool, Error> {
        Ok(!self.read_buckets().await?.is_empty())
    }

    /// Ends the store: waits for every operation and cleanup, stops the workers, closes the engine; each within `budget`.
    ///
    /// # Errors
    /// What did not finish, or could not be closed. What was acknowledged is durable in any case.
    pub async fn close(&self, budget: Duration) -> Result<(), Error> {
        let joined =
            self.tasks.join(budget).await.map_err(|unfinished| {
                self.unfinished("join operations and cleanups", format!("{unfinished:?}"))
            });
        let stopped = self
            .tasks
            .stop_workers(budget)
            .await
            .map_err(|unfinished| self.unfinished("stop workers", format!("{unfinished:?}")));
        let cleared = if self.facts.may_lose_answers { self.clear_witnesses().await } else { Ok(()) };
        let closed = self.kv.close().await.map_err(|error| {
            Error::from(
                Failure::new(FailureKind::Unavailable, "close the engine", self.facts.name).because(error),
            )
        });
        joined.and(stopped).and(cleared).and(closed)
    }

    fn unfinished(&self, operation: &'static str, what: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Failure::new(FailureKind::TimedOut, operation, self.facts.name).because(what).into()
    }
}

struct Layout;

impl Reading for Layout {
    type Output = Option<u32>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Option<u32>, Stop> {
        let value = get(txn, &rows::singleton::layout(), Read::Snapshot).await?;
        value.map(|value| rows::singleton::decode_layout(&value)).transpose().map_err(Stop::from)
    }
}

struct Id;

impl Reading for Id {
    type Output = Option<Revision>;

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Option<Revision>, Stop> {
        let value = get(txn, &rows::singleton::deployment(), Read::Snapshot).await?;
        value.map(|value| rows::singleton::decode_deployment(&value)).transpose().map_err(Stop::from)
    }
}

enum Bound {
    Newer(u32),
    Unbound,
    To(Revision),
}

/// Reads the layout and the deployment id; writes both where there is nothing yet.
struct Bind {
    fresh: Revision,
    blobs_are_bound: bool,
}

impl Work for Bind {
    type Output = Bound;

    async fn attempt(&mut self, txn: &dyn Transaction) -> Result<Step<Bound>, Stop> {
        let keys = [rows::singleton::layout(), rows::singleton::deployment()];
        let found = txn.get_many(&keys, Read::Serializable).await?;
        let [layout, deployment] = found.as_slice() else { unreachable!("two keys, two answers") };
        if let Some(layout) = layout {
            let version = rows::singleton::decode_layout(layout)?;
            if version > LAYOUT {
                return Ok(Step::Done(Bound::Newer(version)));
            }
        }
        if let Some(id) = deployment {
            return Ok(Step::Done(Bound::To(rows::singleton::decode_deployment(id)?)));
        }
        if self.blobs_are_bound {
            return Ok(Step::Done(Bound::Unbound));
        }
        let [layout, deployment] = keys;
        txn.mutate(Mutation::Set { key: layout, value: rows::singleton::encode_layout(LAYOUT) });
        txn.mutate(Mutation::Set { key: deployment, value: rows::singleton::encode_deployment(self.fresh) });
        Ok(Step::Write(Bound::To(self.fresh)))
    }
}
