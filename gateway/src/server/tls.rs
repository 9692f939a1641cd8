//! TLS of a listener: certificate and key from two PEM files, read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use terrace_runtime::Tasks;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::telemetry::chain;

/// How often the files are looked at. A certificate is replaced weeks before its end: seconds do not matter.
const WATCH: Duration = Duration::from_secs(5);
/// What is spoken inside, the best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
/// HTTP/2 in ALPN.
pub(super) const HTTP_2: &[u8] = b"h2";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not PEM, or does not hold what it should.
    #[error("no usable {what} in {}", path.display())]
    Pem {
        /// What should be there.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The certificate is damaged, or the key is not its key.
    #[error("certificate and key do not make a TLS server")]
    Refused(#[from] rustls::Error),
    /// The signal to reload cannot be watched.
    #[error("cannot watch for SIGHUP")]
    Signal(#[source] io::Error),
}

/// The certificate chain and private key in use. New connections get the newest pair that could be read.
pub struct Tls {
    cert_file: PathBuf,
    key_file: PathBuf,
    pair: Mutex<Pair>,
    config: ArcSwap<ServerConfig>,
}

/// Contents of the two files.
#[derive(PartialEq, Eq)]
struct Pair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads a PEM certificate chain (the server's own first) and its PEM private key (PKCS #8, PKCS #1 or SEC 1). TLS 1.2 and 1.3; ALPN `h2` and `http/1.1`.
    ///
    /// # Errors
    /// A file cannot be read or used, or the two do not belong together.
    pub fn load(cert_file: &Path, key_file: &Path) -> Result<Arc<Self>, TlsError> {
        let read = |path: &Path| std::fs::read(path).map_err(unread(path));
        let pair = Pair { cert: read(cert_file)?, key: read(key_file)? };
        let config = pair.config(cert_file, key_file)?;
        Ok(Arc::new(Self {
            cert_file: cert_file.to_owned(),
            key_file: key_file.to_owned(),
            pair: Mutex::new(pair),
            config: ArcSwap::from(config),
        }))
    }

    /// Starts the worker that reads the files again every few seconds and at SIGHUP. A pair that cannot be used is logged, once, and the one
    /// before it stays. Must be called on a runtime.
    ///
    /// # Errors
    /// The signal cannot be watched.
    pub fn watch(self: &Arc<Self>, tasks: &Tasks) -> Result<(), TlsError> {
        let mut hangup = signal(SignalKind::hangup()).map_err(TlsError::Signal)?;
        let tls = Arc::clone(self);
        tasks.worker("tls", move |stop, status| async move {
            let mut last = String::new();
            loop {
                tokio::select! {
                    stopped = stop.sleep(WATCH) => if stopped { return },
                    _ = hangup.recv() => last.clear(),
                }
                match tls.reload().await {
                    Ok(changed) => {
                        if changed {
                            tracing::info!(file = %tls.cert_file.display(), "the certificate was replaced");
                        }
                        last.clear();
                        status.set("well");
                    }
                    Err(error) => {
                        let said = chain(&error).to_string();
                        if said != last {
                            tracing::error!(
                                error = said,
                                "the new certificate cannot be used, the old one stays"
                            );
                        }
                        status.set(said.clone());
                        last = said;
                    }
                }
            }
        });
        Ok(())
    }

    /// Reads both files; `true` if they hold another pair than the one in use, which is then in use.
    pub(super) async fn reload(&self) -> Result<bool, TlsError> {
        let read = async |path: &Path| tokio::fs::read(path).await.map_err(unread(path));
        let pair = Pair { cert: read(&self.cert_file).await?, key: read(&self.key_file).await? };
        if *self.pair.lock() == pair {
            return Ok(false);
        }
        self.config.store(pair.config(&self.cert_file, &self.key_file)?);
        *self.pair.lock() = pair;
        Ok(true)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

impl Pair {
    fn config(&self, cert_file: &Path, key_file: &Path) -> Result<Arc<ServerConfig>, TlsError> {
        let pem = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Pem { what, path, source }
        };
        let chain = CertificateDer::pem_slice_iter(&self.cert)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
            .map_err(pem("certificate", cert_file))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(pem("private key", key_file))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Arc::new(config))
    }
}

fn unread(path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::Read { path, source }
}
