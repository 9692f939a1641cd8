//! The life of a gateway: start, serve, stop. The order of the stop is that of architecture.md, section 6: readiness off, stop
//! accepting, drain, join operations and cleanups, stop workers, close engines; each step has a budget.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::Registry;
use terrace_runtime::{Clock, Ids, SystemClock, SystemIds, Tasks};
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, Endpoint, Operations};
use crate::config::{AccessLog, Credentials, CredentialsError, Settings, make_directory};
use crate::server::{
    BoxError, Environment, Handler, Limits, Listener, Server, ServerMetrics, Space, Tls, TlsError,
};
use crate::telemetry::requests::{AccessLogError, AccessLogFile, Requests};
use crate::telemetry::{ProcessMetrics, Traces, chain};

/// Budgets of the steps of a stop that have no setting.
const OPERATIONS: Duration = Duration::from_secs(20);
const WORKERS: Duration = Duration::from_secs(10);
const CLOSE: Duration = Duration::from_secs(10);
const ADMIN_DRAIN: Duration = Duration::from_secs(1);
const ADMIN_CONNECTIONS: usize = 64;

const OPENING: &str = "the store is being opened";
const STOPPING: &str = "the gateway is stopping";

/// Raised by an engine that must not go on (an fsync that failed): the gateway ends at once, with exit code 74. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Fatal {
    raised: CancellationToken,
    reason: Arc<OnceLock<String>>,
}

impl Fatal {
    /// Ends the gateway. The first reason is the one that is shown.
    pub fn raise(&self, reason: impl Into<String>) {
        let _later_reasons_are_dropped = self.reason.set(reason.into());
        self.raised.cancel();
    }

    async fn wait(&self) -> String {
        self.raised.cancelled().await;
        self.reason.get().cloned().unwrap_or_default()
    }
}

/// What components are built of.
#[derive(Clone)]
pub struct Base {
    /// All settings.
    pub settings: Arc<Settings>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn Ids>,
    /// Owner of all tasks.
    pub tasks: Tasks,
    /// Where metrics are registered.
    pub registry: Registry,
    /// For an engine that must not go on.
    pub fatal: Fatal,
}

impl Base {
    /// The machine's clock and random source, and nothing under way. Must be called on a runtime.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            clock: Arc::new(SystemClock::new()),
            ids: Arc::new(SystemIds),
            tasks: Tasks::new(),
            registry: Registry::new(),
            fatal: Fatal::default(),
        }
    }

    /// The same for a second set of components beside the first (a copy being made): with metrics that nobody sees, and whose failure
    /// does not end the gateway.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { registry: Registry::new(), fatal: Fatal::default(), ..self.clone() }
    }
}

/// What was built: the S3 side, the operator's side, and how to let go of the data.
pub struct Assembly<H> {
    /// Answers S3 requests.
    pub handler: H,
    /// Answers the operator.
    pub operations: Arc<dyn Operations>,
    /// Closes the engines, after the last task has ended.
    pub close: Close,
}

/// Closes the engines.
pub type Close = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send>;

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// An address cannot be bound.
    #[error("cannot listen on {address} ({setting})")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A component cannot be built.
    #[error("cannot open the store")]
    Assemble(#[source] BoxError),
    /// The metrics of a component are registered twice.
    #[error("cannot register metrics")]
    Metrics(#[from] prometheus::Error),
    /// There is no access log.
    #[error("cannot start the access log (log.access_file)")]
    AccessLog(#[from] AccessLogError),
    /// Certificate or key cannot be used.
    #[error("cannot serve TLS (server.tls)")]
    Tls(#[from] TlsError),
    /// The operating system has no random numbers.
    #[error("no random numbers")]
    Random(#[from] getrandom::Error),
}

/// How a gateway that had started ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// An engine raised [`Fatal`]: what was not acknowledged by then is not acknowledged.
    Fatal(String),
}

/// Where a gateway listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The S3 listener.
    pub s3: SocketAddr,
    /// The admin listener.
    pub admin: SocketAddr,
}

/// Runs a gateway until `stop` ends or an engine raises [`Fatal`]. `assemble` builds the components; `started` is told where it
/// listens, before the first request is answered. Must be called on a multi-threaded runtime.
///
/// # Errors
/// It did not start. Nothing is left behind but what the components made.
pub async fn run<H, A, F>(
    settings: Settings,
    assemble: A,
    started: impl FnOnce(Addresses),
    stop: impl Future<Output = ()>,
) -> Result<Ended, StartError>
where
    H: Handler,
    A: FnOnce(Base, Credentials, Arc<Space>) -> F,
    F: Future<Output = Result<Assembly<H>, BoxError>>,
{
    let base = Base::new(settings);
    let (credentials, space) = prepare(&base)?;
    let admin = admin(&base);
    admin.readiness.hold(OPENING);
    // Both are bound first, and a failure is told last: a second gateway on the same data must hear of the data, not of the port.
    let s3_listener = listen(base.settings.server.listen, "server.listen");
    let admin_server = listen(base.settings.admin.listen, "admin.listen")
        .and_then(|listener| serve_admin(&base, admin.clone(), listener));
    let Assembly { handler, operations, close } =
        assemble(base.clone(), credentials, space).await.map_err(StartError::Assemble)?;
    let _first = admin.operations.set(operations);
    let opened = match (s3_listener, admin_server) {
        (Ok(listener), Ok(admin_server)) => open(&base, &admin, (handler, listener), admin_server, started),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let servers = match opened {
        Ok(servers) => servers,
        Err(error) => {
            leave(&base, close).await;
            return Err(error);
        }
    };
    tokio::select! {
        () = stop => {}
        reason = base.fatal.wait() => return Ok(Ended::Fatal(reason)),
    }
    admin.readiness.hold(STOPPING);
    tracing::info!("stopping");
    tokio::select! {
        () = servers.stop(&base, close) => {}
        reason = base.fatal.wait() => return Ok(Ended::Fatal(reason)),
    }
    tracing::info!("stopped");
    Ok(Ended::Stopped)
}

struct Servers {
    s3: Server,
    admin: Server,
}

impl Servers {
    async fn stop(self, base: &Base, close: Close) {
        if let Err(connections) = self.s3.drain(base.settings.server.drain_timeout).await {
            tracing::warn!(connections, "stop: requests did not finish, their connections were cut off");
        }
        leave(base, close).await;
        if let Err(error) = Endpoint::remove(&base.settings.data_dir) {
            tracing::warn!(%error, "stop: the endpoint file stays behind");
        }
        // Whoever still asks how the stop goes is cut off: that is its end.
        let _cut_off = self.admin.drain(ADMIN_DRAIN).await;
    }
}

/// The data directory, the keys, and the watch over free space.
fn prepare(base: &Base) -> Result<(Credentials, Arc<Space>), StartError> {
    let directory = &base.settings.data_dir;
    let unusable = |source| StartError::Directory { path: directory.clone(), source };
    let (credentials, _) = Credentials::resolve(&base.settings)?;
    make_directory(directory).map_err(unusable)?;
    let space = Space::watch(&base.tasks, &base.settings.space, vec![directory.clone()]).map_err(unusable)?;
    base.registry.register(Box::new(ProcessMetrics::new()?))?;
    Ok((credentials, space))
}

fn admin(base: &Base) -> Admin {
    Admin {
        readiness: Arc::default(),
        registry: base.registry.clone(),
        tasks: base.tasks.clone(),
        token: Arc::default(),
        operations: Arc::default(),
    }
}

fn listen(address: SocketAddr, setting: &'static str) -> Result<Listener, StartError> {
    Listener::bind(address).map_err(|source| StartError::Listen { address, setting, source })
}

/// Makes the gateway known and lets requests in.
fn open<H: Handler>(
    base: &Base,
    admin: &Admin,
    (handler, listener): (H, Listener),
    admin_server: Server,
    started: impl FnOnce(Addresses),
) -> Result<Servers, StartError> {
    let addresses = Addresses { s3: listener.address(), admin: admin_server.address() };
    let endpoint = Endpoint::new(addresses.s3, addresses.admin)?;
    let directory = &base.settings.data_dir;
    endpoint.write(directory).map_err(|source| StartError::Directory { path: directory.clone(), source })?;
    let _first = admin.token.set(endpoint.token);
    let s3 = serve_s3(base, handler, listener)?;
    admin.readiness.release(OPENING);
    started(addresses);
    Ok(Servers { s3, admin: admin_server })
}

fn serve_s3<H: Handler>(base: &Base, handler: H, listener: Listener) -> Result<Server, StartError> {
    let settings = &base.settings.server;
    let limits = Limits {
        connections: settings.max_connections,
        header_size: usize::try_from(settings.max_header_size).unwrap_or(usize::MAX),
        header_timeout: settings.header_timeout,
        write_stall: settings.body_idle_timeout,
        keep_alive: settings.keep_alive,
        operations: settings.max_requests,
        body_memory: settings.max_body_memory,
        body_piece: base.settings.high_volume.inline_max,
    };
    let mut environment = environment(base, "s3", limits, base.settings.log.access)?;
    if let Some((cert_file, key_file)) = settings.tls.files() {
        let tls = Tls::load(cert_file, key_file)?;
        tls.watch(&base.tasks)?;
        environment.tls = Some(tls);
    }
    environment.requests = Some(Arc::new(requests(base)?));
    Ok(Server::start(listener, handler, environment))
}

fn requests(base: &Base) -> Result<Requests, StartError> {
    let file = base.settings.log.access_file.as_deref();
    let log = file.map(|path| AccessLogFile::start(path, &base.tasks, &base.registry)).transpose()?;
    let traces = Traces::start(&base.settings.traces, (&base.clock, &base.ids), &base.tasks, &base.registry)?;
    Ok(Requests::register(&base.registry, base.settings.metrics.bucket_labels, log, traces)?)
}

fn serve_admin(base: &Base, admin: Admin, listener: Listener) -> Result<Server, StartError> {
    let defaults = crate::config::ServerSettings::default();
    let limits = Limits {
        connections: ADMIN_CONNECTIONS,
        header_size: usize::try_from(defaults.max_header_size).unwrap_or(usize::MAX),
        header_timeout: defaults.header_timeout,
        write_stall: defaults.body_idle_timeout,
        keep_alive: defaults.keep_alive,
        operations: ADMIN_CONNECTIONS,
        body_memory: defaults.max_body_memory,
        body_piece: defaults.max_header_size,
    };
    Ok(Server::start(listener, admin, environment(base, "admin", limits, AccessLog::Off)?))
}

fn environment<'a>(
    base: &'a Base,
    listener: &'static str,
    limits: Limits,
    access_log: AccessLog,
) -> Result<Environment<'a>, StartError> {
    let metrics = ServerMetrics::register(&base.registry, listener)?;
    Ok(Environment {
        limits,
        clock: Arc::clone(&base.clock),
        ids: &*base.ids,
        metrics,
        access_log,
        tls: None,
        requests: None,
    })
}

/// The second half of a stop: nothing new comes in any more.
async fn leave(base: &Base, close: Close) {
    if let Err(unfinished) = base.tasks.join(OPERATIONS).await {
        tracing::warn!(
            ?unfinished,
            "stop: operations did not finish; what they left is found at the next start"
        );
    }
    if let Err(unfinished) = base.tasks.stop_workers(WORKERS).await {
        tracing::warn!(?unfinished, "stop: workers did not end");
    }
    match tokio::time::timeout(CLOSE, close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(error = %chain(&*error), "stop: the engines could not be closed in order");
        }
        Err(_elapsed) => tracing::warn!("stop: the engines did not close in time"),
    }
}
