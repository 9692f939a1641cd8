//! `[server]`: the S3 listener.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::problem::Problems;
use super::{duration, size};

/// The S3 listener: where it listens and what it grants a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port; port 0 takes any free one, which is then printed and written to `<data_dir>/endpoint`.
    pub listen: SocketAddr,
    /// Domain of virtual-hosted requests (`bucket.domain`); without it only path-style requests are understood.
    pub domain: Option<String>,
    /// Region that signatures must name.
    pub region: String,
    /// Connections at once; one more is answered 503 `SlowDown` and closed.
    pub max_connections: usize,
    /// Requests at once (a connection of HTTP/2 may carry many); one more is answered 503 `SlowDown`.
    pub max_requests: usize,
    /// Bytes of memory for the bodies of requests in flight, each counted up to `high_volume.inline_max`; what does not fit is answered 503
    /// `SlowDown`.
    #[serde(with = "size")]
    pub max_body_memory: u64,
    /// Bytes of the request line and all headers of one request.
    #[serde(with = "size")]
    pub max_header_size: u64,
    /// Time a client has to send a whole request head once it began.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// Time a client may neither send the next byte of a body nor take the next byte of an answer.
    #[serde(with = "duration")]
    pub body_idle_timeout: Duration,
    /// Time an open connection may wait for its next request.
    #[serde(with = "duration")]
    pub keep_alive: Duration,
    /// Time that requests in flight have to finish when the gateway stops.
    #[serde(with = "duration")]
    pub drain_timeout: Duration,
    /// TLS of the listener.
    pub tls: TlsSettings,
}

/// TLS of the S3 listener, with HTTP/2 where the client offers it; without both files plain HTTP/1. The files are read again when they change,
/// and at SIGHUP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// Certificate chain, PEM, the server's own first.
    pub cert_file: Option<PathBuf>,
    /// Private key, PEM.
    pub key_file: Option<PathBuf>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9000)),
            domain: None,
            region: "us-east-1".to_owned(),
            max_connections: 1_024,
            max_requests: 1_024,
            max_body_memory: 512 << 20,
            max_header_size: 32 << 10,
            header_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(60),
            keep_alive: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(20),
            tls: TlsSettings::default(),
        }
    }
}

impl TlsSettings {
    /// Certificate file and key file; `None`: plain HTTP.
    #[must_use]
    pub fn files(&self) -> Option<(&Path, &Path)> {
        self.cert_file.as_deref().zip(self.key_file.as_deref())
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.files().is_some() { "https" } else { "http" }
    }
}

impl ServerSettings {
    pub(super) fn validate(&self, problems: &mut Problems) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        problems.require(
            !self.region.is_empty() && self.region.chars().all(plain),
            "server.region",
            "must be letters, digits, '-' and '.', such as us-east-1",
        );
        if let Some(domain) = &self.domain {
            let host = domain.split_once(':').map_or(domain.as_str(), |(host, _)| host);
            problems.require(
                !host.is_empty() && host.chars().all(plain) && !host.starts_with('.'),
                "server.domain",
                "must be a host name, such as s3.example.com",
            );
        }
        problems.require(self.max_connections > 0, "server.max_connections", "must be at least 1");
        problems.require(self.max_requests > 0, "server.max_requests", "must be at least 1");
        problems.require(self.max_body_memory >= 8 << 20, "server.max_body_memory", "must be at least 8MiB");
        problems.require(
            (8 << 10..=256 << 10).contains(&self.max_header_size),
            "server.max_header_size",
            "must be from 8KiB to 256KiB",
        );
        for (path, time) in [
            ("server.header_timeout", self.header_timeout),
            ("server.body_idle_timeout", self.body_idle_timeout),
            ("server.keep_alive", self.keep_alive),
        ] {
            problems.require(!time.is_zero(), path, "must be longer than zero");
        }
        problems.require(
            self.tls.cert_file.is_some() == self.tls.key_file.is_some(),
            "server.tls",
            "needs both cert_file and key_file, or neither",
        );
    }
}
