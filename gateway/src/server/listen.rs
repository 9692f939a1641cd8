//! A listener: accepts, counts, refuses, drains.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use terrace_runtime::{Clock, Ids};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::connection::{Shared, serve};
use super::metrics::ServerMetrics;
use super::request_id::RequestIds;
use super::turned_away::refuse;
use super::{Handler, Limits, Tls};
use crate::config::AccessLog;
use crate::telemetry::requests::Requests;

const BACKLOG: u32 = 1_024;
/// Clients beyond the limit that are being told so at once; more are cut off.
const REFUSALS: usize = 64;
/// After an accept that failed for want of something (descriptors, memory): time for it to come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time that connections have to end once they were told to end now.
const ABORT_GRACE: Duration = Duration::from_secs(1);

/// A bound address: clients can connect already, and wait until [`Server::start`].
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 takes any free one. Must be called on a runtime.
    ///
    /// # Errors
    /// The address is in use, or not this machine's.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// The address, with its real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What a server is given besides its handler.
pub struct Environment<'a> {
    /// What clients are granted.
    pub limits: Limits,
    /// Measures requests for the access log.
    pub clock: Arc<dyn Clock>,
    /// Seeds the ids of requests.
    pub ids: &'a dyn Ids,
    /// What is counted.
    pub metrics: ServerMetrics,
    /// Level of the access log.
    pub access_log: AccessLog,
    /// Certificate and key; `None`: plain HTTP/1.
    pub tls: Option<Arc<Tls>>,
    /// Tells of every request.
    pub requests: Option<Arc<Requests>>,
}

/// A listener that serves. Stopped by [`drain`](Self::drain); dropped without it, it goes on until the runtime ends.
pub struct Server {
    address: SocketAddr,
    accepting: CancellationToken,
    closed: CancellationToken,
    draining: CancellationToken,
    aborting: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Starts to accept. Must be called on a runtime.
    pub fn start<H: Handler>(listener: Listener, handler: H, environment: Environment<'_>) -> Self {
        let server = Self {
            address: listener.address,
            accepting: CancellationToken::new(),
            closed: CancellationToken::new(),
            draining: CancellationToken::new(),
            aborting: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let shared = Arc::new(Shared {
            handler,
            limits: environment.limits,
            clock: environment.clock,
            ids: RequestIds::new(environment.ids),
            host_id: host_id(environment.ids),
            metrics: environment.metrics,
            access_log: environment.access_log,
            admission: Admission::new(&environment.limits),
            tls: environment.tls,
            requests: environment.requests,
            tasks: server.tasks.clone(),
            drain: server.draining.clone(),
            abort: server.aborting.clone(),
        });
        let accept = accept(listener.listener, shared, server.tasks.clone());
        let stop = server.accepting.clone();
        let closed = server.closed.clone().drop_guard();
        server.tasks.spawn(async move {
            let _closed = closed;
            stop.run_until_cancelled_owned(accept).await;
        });
        server
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, closes what rests, lets the requests in flight finish, at most `budget`; then closes what is left.
    ///
    /// # Errors
    /// How many connections were cut off.
    pub async fn drain(&self, budget: Duration) -> Result<(), usize> {
        self.accepting.cancel();
        // A client whose idle connection is closed comes back at once: it must be refused, and not let in to be reset.
        self.closed.cancelled().await;
        self.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(budget, self.tasks.wait()).await.is_ok() {
            return Ok(());
        }
        let cut_off = self.tasks.len();
        self.aborting.cancel();
        // A connection whose handler never yields stays; the caller's own budget ends it.
        let _ended = tokio::time::timeout(ABORT_GRACE, self.tasks.wait()).await;
        Err(cut_off)
    }
}

fn host_id(ids: &dyn Ids) -> HeaderValue {
    let word = format!("{:016x}{:016x}", ids.random(), ids.random());
    HeaderValue::try_from(word).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

async fn accept<H: Handler>(listener: TcpListener, shared: Arc<Shared<H>>, tasks: TaskTracker) {
    let room = Arc::new(Semaphore::new(shared.limits.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                after_failed_accept(&error).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "a connection ended before it was served");
            continue;
        }
        match Arc::clone(&room).try_acquire_owned() {
            Ok(permit) => {
                let shared = Arc::clone(&shared);
                tasks.spawn(async move {
                    let _open = Open::count(&shared.metrics);
                    serve(stream, peer, shared).await;
                    drop(permit);
                });
            }
            Err(_full) => turn_away(stream, &shared, &refusals, &tasks),
        }
    }
}

fn turn_away<H: Handler>(
    stream: TcpStream,
    shared: &Arc<Shared<H>>,
    refusals: &Arc<Semaphore>,
    tasks: &TaskTracker,
) {
    shared.metrics.refused.inc();
    if let Ok(permit) = Arc::clone(refusals).try_acquire_owned() {
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            refuse(stream, &shared).await;
            drop(permit);
        });
    }
}

async fn after_failed_accept(error: &io::Error) {
    let gone = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !gone {
        tracing::warn!(%error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

struct Open(prometheus::IntGauge);

impl Open {
    fn count(metrics: &ServerMetrics) -> Self {
        metrics.connections.inc();
        Self(metrics.connections.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
