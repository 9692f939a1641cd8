//! Spans of S3 requests, by the OpenTelemetry conventions for HTTP servers, sent to a collector as OTLP over HTTP. A span is made when its request is over,
//! of what [`requests`](super::requests) is told anyway: nothing is recorded on the way but three points in time, and what the tiers did
//! (`docs/decisions/0008-spans-made-when-a-request-is-over.md`).

mod context;
mod exporter;
mod moments;
mod post;
mod span;
#[cfg(test)]
mod tests;
mod tiers;
mod wire;

use std::sync::Arc;

use http::{HeaderMap, Request};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use terrace_runtime::{Clock, Ids, Tasks};
use tokio::sync::mpsc::{self, Sender};

use self::context::Context;
use self::exporter::Exporter;
use self::post::Collector;
use self::span::RequestSpan;
use super::requests::{Answered, Routed};
use crate::config::{Ratio, TracesSettings};

pub use self::context::TraceId;
pub(super) use self::moments::Moments;
pub use self::tiers::{TracedBlobs, TracedKv};

/// Requests whose spans wait to be sent: about 2 MiB, at most 6. Those of one more are dropped and counted; no request waits for them.
const WAITING: usize = 2_048;

/// Makes spans and has them sent.
pub struct Traces {
    sample: Ratio,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    queue: Sender<RequestSpan>,
    dropped: IntCounter,
}

/// The trace of a request under way.
pub(super) struct Traced {
    id: TraceId,
    /// Of a request that is sampled.
    span: Option<Box<RequestSpan>>,
}

/// What is counted of spans.
#[derive(Clone)]
struct Counters {
    sent: IntCounter,
    /// Dropped because: the queue was full, the collector refused them, the gateway stopped.
    full: IntCounter,
    refused: IntCounter,
    stopped: IntCounter,
}

impl Traces {
    /// Starts the worker that sends spans; `None` if the settings name no collector. Must be called on a runtime.
    ///
    /// # Errors
    /// Its metrics are registered already.
    pub fn start(
        settings: &TracesSettings,
        (clock, ids): (&Arc<dyn Clock>, &Arc<dyn Ids>),
        tasks: &Tasks,
        registry: &Registry,
    ) -> prometheus::Result<Option<Self>> {
        let Some(target) = settings.target() else { return Ok(None) };
        let counters = Counters::register(registry)?;
        let (queue, waiting) = mpsc::channel(WAITING);
        let dropped = counters.full.clone();
        let collector = Collector::new(target, settings.header_map().unwrap_or_default(), settings.timeout);
        let exporter = Exporter::new(waiting, collector, counters);
        tasks.worker("traces", move |stop, status| exporter.run(stop, status));
        Ok(Some(Self {
            sample: settings.sample,
            clock: Arc::clone(clock),
            ids: Arc::clone(ids),
            queue,
            dropped,
        }))
    }

    /// A request came in. The moments are those of a sampled one.
    #[must_use]
    pub(super) fn begin<B>(&self, request: &Request<B>) -> (Traced, Option<Moments>) {
        let context = Context::of(request.headers(), self.sample, &*self.ids);
        let (id, sampled) = (context.trace, context.sampled);
        let span = sampled.then(|| Box::new(RequestSpan::begin(context, request, &*self.ids)));
        let moments = sampled.then(|| Moments::begin(Arc::clone(&self.clock)));
        (Traced { id, span }, moments)
    }

    /// Its answer has left, or never will. `received`: bytes of its body.
    pub(super) fn finish(
        &self,
        traced: Traced,
        (moments, received): (Option<&Moments>, u64),
        routed: Option<Routed>,
        answered: &Answered<'_>,
    ) {
        let (Some(mut span), Some(moments)) = (traced.span, moments) else { return };
        span.end((moments, received), routed, answered);
        if let Err(full) = self.queue.try_send(*span) {
            self.dropped.inc_by(full.into_inner().count());
        }
    }
}

impl Traced {
    pub(super) fn id(&self) -> TraceId {
        self.id
    }
}

impl Counters {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let sent = IntCounter::new("traces_spans_sent_total", "Spans that the collector has taken.")?;
        registry.register(Box::new(sent.clone()))?;
        let opts = Opts::new("traces_spans_dropped_total", "Spans that the collector never got, by reason.");
        let dropped = IntCounterVec::new(opts, &["reason"])?;
        registry.register(Box::new(dropped.clone()))?;
        let of = |reason: &str| dropped.with_label_values(&[reason]);
        Ok(Self { sent, full: of("queue_full"), refused: of("refused"), stopped: of("stopped") })
    }
}

/// One header as text, at most `most` bytes of it.
fn header(headers: &HeaderMap, name: http::HeaderName, most: usize) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|value| cut(value, most))
}

fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}
