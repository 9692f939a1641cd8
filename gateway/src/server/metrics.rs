//! What a listener counts.

use http::StatusCode;
use prometheus::{IntCounter, IntGauge, Opts, Registry};

/// Counters of one listener, by the constant label `listener`.
#[derive(Clone)]
pub struct ServerMetrics {
    pub(super) connections: IntGauge,
    pub(super) refused: IntCounter,
    pub(super) timed_out: IntCounter,
    pub(super) panics: IntCounter,
    pub(super) in_flight: IntGauge,
    pub(super) slowed: IntCounter,
    pub(super) handshakes_failed: IntCounter,
    answers: [IntCounter; 5],
}

impl ServerMetrics {
    /// Makes the counters and registers them.
    ///
    /// # Errors
    /// They are registered already.
    pub fn register(registry: &Registry, listener: &'static str) -> prometheus::Result<Self> {
        let opts = |name: &str, help: &str| Opts::new(name, help).const_label("listener", listener);
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::with_opts(opts(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::with_opts(opts(name, help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let answers = |class: &str| -> prometheus::Result<IntCounter> {
            let opts = opts("http_answers_total", "Answers by class of status.").const_label("class", class);
            let counter = IntCounter::with_opts(opts)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        Ok(Self {
            connections: gauge("http_connections", "Connections that are open.")?,
            refused: counter("http_connections_refused_total", "Connections beyond the limit.")?,
            timed_out: counter("http_connections_timed_out_total", "Connections whose client was too slow.")?,
            panics: counter("http_panics_total", "Requests whose handler panicked.")?,
            slowed: counter(
                "http_requests_slowed_total",
                "Requests beyond the limits of requests and memory, answered 503 SlowDown.",
            )?,
            handshakes_failed: counter(
                "http_tls_handshakes_failed_total",
                "Connections that ended before TLS was agreed on.",
            )?,
            in_flight: gauge("http_requests_in_flight", "Requests whose answer has not left.")?,
            answers: [answers("1xx")?, answers("2xx")?, answers("3xx")?, answers("4xx")?, answers("5xx")?],
        })
    }

    pub(super) fn answered(&self, status: StatusCode) {
        if let Some(counter) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            counter.inc();
        }
    }
}
