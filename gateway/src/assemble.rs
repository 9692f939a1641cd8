//! The one place that names backends, and puts the components of a gateway together.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use terrace_high_volume::local::{Durability, LocalKv, LocalOptions};
use terrace_high_volume::{Kv, OnFatal};
use terrace_long_term::layers::limit::Limit;
use terrace_long_term::layers::measure::{Measure, TierMetrics};
use terrace_long_term::layers::retry::Retry;
use terrace_long_term::layers::timeout::Timeout;
use terrace_long_term::{BlobStore, Fatal as BlobFatal, FilesystemBlobs, FilesystemOptions};
use terrace_store::{Fences, Parts, Space as StoreSpace, Store};

use crate::admin::Maintenance;
use crate::auth::guard::{Guard, GuardOptions};
use crate::auth::{Access, Credential, NoKeys, Secret, StaticCredentials};
use crate::config::{Credentials, DurabilitySetting};
use crate::run::{Assembly, Base};
use crate::s3::{Details, Front};
use crate::server::{BoxError, Domain, Handler, RequestBody, Space};
use crate::telemetry::{TracedBlobs, TracedKv, chain};

/// Directories of the tiers below a data directory.
const HIGH_VOLUME: &str = "high-volume";
const LONG_TERM: &str = "long-term";
/// How often the engine is asked whether it failed in the background.
const PROBE: Duration = Duration::from_secs(1);
const GIVE_BACK: Duration = Duration::from_secs(5);
/// Budget of each step of closing a store whose tasks have ended.
const CLOSE: Duration = Duration::from_secs(5);

/// Builds a gateway on the data directory of the settings.
///
/// # Errors
/// What a tier or the store says.
pub async fn gateway(
    base: Base,
    credentials: Credentials,
    space: Arc<Space>,
) -> Result<Assembly<S3>, BoxError> {
    let tiers = Tiers::open(&base, &base.settings.data_dir, false).await?;
    tiers.probe(&base);
    tiers.give_back(&base);
    let store = Store::open(tiers.parts(&base, space), &base.registry).await?;
    let handler = S3::new(&base, &credentials, store.clone());
    let operations = Arc::new(Maintenance::new(base, store.clone(), tiers));
    let close = move || -> futures::future::BoxFuture<'static, Result<(), BoxError>> {
        Box::pin(async move { store.close(CLOSE).await.map_err(BoxError::from) })
    };
    Ok(Assembly { handler, operations, close: Box::new(close) })
}

/// Both tiers of one data directory. Cheap to clone.
#[derive(Clone)]
pub struct Tiers {
    kv: Arc<LocalKv>,
    blobs: Arc<dyn BlobStore>,
    metrics: TierMetrics,
}

impl Tiers {
    /// Opens both tiers below `directory`, and makes them if they are not there. `accept_loss`: go on without acknowledged commits that
    /// are missing.
    ///
    /// # Errors
    /// The directory is locked, damaged, or cannot be used.
    pub async fn open(base: &Base, directory: &Path, accept_loss: bool) -> Result<Self, BoxError> {
        let settings = &base.settings.high_volume;
        let mut options = LocalOptions::new(directory.join(HIGH_VOLUME));
        options.accept_loss = accept_loss;
        options.durability = match settings.durability {
            DurabilitySetting::Always => Durability::Always,
            DurabilitySetting::Interval => Durability::Interval(settings.sync_interval),
        };
        let (clock, tasks, fatal) = (Arc::clone(&base.clock), base.tasks.clone(), base.fatal.clone());
        let on_fatal: OnFatal = Arc::new(move |error| fatal.raise(chain(error).to_string()));
        let opening =
            base.tasks.blocking("open the engine", move || LocalKv::open(options, clock, tasks, on_fatal));
        let kv = opening.await??;
        let metrics = TierMetrics::register(&base.registry)?;
        let blobs = filesystem(base, &directory.join(LONG_TERM), &metrics).await?;
        Ok(Self { kv, blobs, metrics })
    }

    /// Whether `directory` holds the data of a gateway.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn exist(directory: &Path) -> io::Result<bool> {
        directory.join(HIGH_VOLUME).try_exists()
    }

    /// The long-term tier, with its layers.
    #[must_use]
    pub fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.blobs
    }

    /// Copies the high-volume tier, as of now, to where it belongs below `directory`.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn checkpoint(&self, directory: &Path) -> Result<(), BoxError> {
        self.kv.checkpoint(directory.join(HIGH_VOLUME)).await?;
        Ok(())
    }

    /// Lets go of the high-volume tier.
    ///
    /// # Errors
    /// What the engine could not finish.
    pub async fn close(&self) -> Result<(), BoxError> {
        Ok(self.kv.close().await?)
    }

    /// What a store on these tiers is opened with.
    #[must_use]
    pub fn parts(&self, base: &Base, space: Arc<dyn StoreSpace>) -> Parts {
        let (kv, blobs): (Arc<dyn Kv>, _) = (Arc::clone(&self.kv) as _, Arc::clone(&self.blobs));
        let (kv, blobs) = match base.settings.traces.target() {
            Some(_) => (
                Arc::new(TracedKv::new(kv, Arc::clone(&base.clock))) as _,
                Arc::new(TracedBlobs::new(blobs, Arc::clone(&base.clock))) as _,
            ),
            None => (kv, blobs),
        };
        Parts {
            kv,
            blobs,
            clock: Arc::clone(&base.clock),
            ids: Arc::clone(&base.ids),
            tasks: base.tasks.clone(),
            space,
            fences: Fences::default(),
            tiers: self.metrics.clone(),
            settings: terrace_store::Settings {
                inline_max: usize::try_from(base.settings.high_volume.inline_max).unwrap_or(usize::MAX),
                grace: base.settings.reclaim.grace,
                sweep_age: base.settings.reclaim.sweep_age,
                etag: base.settings.etag.mode.into(),
                ..terrace_store::Settings::default()
            },
        }
    }

    /// Starts the worker that gives back the space of what was deleted.
    fn give_back(&self, base: &Base) {
        let kv = Arc::clone(&self.kv);
        base.tasks.worker("compaction", move |stop, status| async move {
            while !stop.sleep(GIVE_BACK).await {
                match kv.give_back().await {
                    Ok(true) => status.set("gave space back"),
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "deleted data keeps its space"
                        );
                        status.set("failing; see the log");
                    }
                }
            }
        });
    }

    /// Starts the worker that finds out when the engine fails with no commit under way. The engine itself raises the alarm.
    fn probe(&self, base: &Base) {
        let kv = Arc::clone(&self.kv);
        base.tasks.worker("engine", move |stop, status| async move {
            while !stop.sleep(PROBE).await {
                match kv.probe().await {
                    Ok(()) => status.set("well"),
                    Err(error) => status.set(chain(&error).to_string()),
                }
            }
        });
    }
}

/// The order of the layers is that of `terrace_long_term::layers`.
async fn filesystem(
    base: &Base,
    directory: &Path,
    metrics: &TierMetrics,
) -> Result<Arc<dyn BlobStore>, BoxError> {
    let fatal = base.fatal.clone();
    let on_fatal: BlobFatal =
        Arc::new(move |what, error| fatal.raise(format!("the long-term tier could not {what}: {error}")));
    let blobs =
        FilesystemBlobs::open(FilesystemOptions::new(directory), base.tasks.clone(), on_fatal).await?;
    let timed = Timeout::new(Arc::new(blobs), Default::default());
    let retried = Retry::new(Arc::new(timed), Arc::clone(&base.ids));
    let limited = Limit::new(Arc::new(retried), Default::default());
    Ok(Arc::new(Measure::new(Arc::new(limited), metrics, Arc::clone(&base.clock))))
}

/// The S3 side: the guard, then the protocol over the store.
pub struct S3 {
    guard: Guard,
    front: Front,
    domain: Option<Domain>,
}

impl S3 {
    fn new(base: &Base, credentials: &Credentials, store: Store) -> Self {
        let settings = &base.settings;
        let secret = Secret::new(credentials.secret_key.expose());
        let owner = Credential::new(credentials.access_key.as_str(), secret);
        let domain = settings.server.domain.as_deref().map(Domain::new);
        let options = GuardOptions {
            region: settings.server.region.clone(),
            body_idle: settings.server.body_idle_timeout,
            presigned_v2: settings.auth.presigned_v2,
            domain: domain.clone(),
        };
        let known: StaticCredentials = [owner].into_iter().collect();
        let guard = Guard::new(options, Arc::new(known), Arc::clone(&base.clock), base.tasks.clone());
        let front = Front::new(store, &settings.server.region, |builder| configure(builder, domain.as_ref()));
        Self { guard, front, domain }
    }
}

fn configure(builder: &mut S3ServiceBuilder, domain: Option<&Domain>) {
    builder.set_auth(NoKeys);
    builder.set_access(Access);
    if let Some(domain) = domain {
        builder.set_host(domain.clone());
    }
    let mut config = S3Config::default();
    // Documents come to it whole, held and measured by the guard (guard.md, rule 10): it holds none of its own.
    config.xml_max_body_size = 0;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
}

impl Handler for S3 {
    type Body = s3s::Body;

    async fn handle(&self, request: Request<RequestBody>) -> s3s::HttpResponse {
        let details = Details::of(&request);
        let answer = match self.guard.admit(request).await {
            Ok((request, aftercare)) => aftercare.settle(self.front.call(request).await).await,
            Err(refused) => refused,
        };
        details.complete(answer, self.domain.as_ref())
    }
}
