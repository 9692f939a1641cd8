//! What is told of each S3 request when it is over: a histogram by operation and class of status, bytes, a line in the S3 access log, and its spans.

mod access_log;
mod line;
mod operation;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::{Method, Request, StatusCode};
use parking_lot::Mutex;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, exponential_buckets};
use terrace_runtime::steps::{Step, Steps};

use super::traces::{Moments, TraceId, Traced, Traces};
use crate::auth::Identity;

pub use self::access_log::{AccessLogError, AccessLogFile};
pub use self::line::Answered;
use self::line::Head;
pub use self::operation::Operation;

/// The label of buckets beyond those that have one of their own.
const OTHER: &str = "other";

/// What is learnt of a request on its way in: an extension of every request of the S3 listener.
#[derive(Debug, Default)]
pub struct RequestRecord {
    received: AtomicU64,
    routed: Mutex<Option<Routed>>,
    /// Whether anybody will read the names of bucket and key: they are copied for nobody else.
    named: bool,
    /// Of a request that is sampled.
    moments: Option<Moments>,
}

/// What an admitted request asks for.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The operation.
    pub operation: Operation,
    /// The bucket, if it names one and [`RequestRecord::is_named`].
    pub bucket: Option<String>,
    /// The key, if it names one and [`RequestRecord::is_named`].
    pub key: Option<String>,
    /// Access key of who asks.
    pub requester: Identity,
}

impl RequestRecord {
    /// Whether [`Routed`] should have the names of bucket and key.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// Notes what the request asks for.
    pub fn routed(&self, routed: Routed) {
        if let Some(moments) = &self.moments {
            moments.admit();
        }
        *self.routed.lock() = Some(routed);
    }

    /// Who is told of what the tiers do for it, if it is sampled.
    #[must_use]
    pub fn steps(self: &Arc<Self>) -> Option<Arc<dyn Steps>> {
        self.moments.as_ref().map(|_| Arc::clone(self) as _)
    }

    /// Counts bytes of its body, as they come over the wire.
    pub fn received(&self, bytes: usize) {
        if let Some(moments) = &self.moments {
            moments.receive();
        }
        self.received.fetch_add(bytes as u64, Relaxed);
    }
}

impl Steps for RequestRecord {
    fn took(&self, step: Step) {
        if let Some(moments) = &self.moments {
            moments.step(step);
        }
    }
}

/// Tells of every request. One for the S3 listener.
pub struct Requests {
    duration: HistogramVec,
    received: IntCounterVec,
    sent: IntCounterVec,
    by_bucket: IntCounterVec,
    /// Buckets with a label of their own, at most `bucket_labels`.
    labelled: Mutex<HashSet<String>>,
    bucket_labels: usize,
    access_log: Option<AccessLogFile>,
    traces: Option<Traces>,
}

/// A request under way.
pub struct Observation {
    record: Arc<RequestRecord>,
    head: Option<Box<Head>>,
    traced: Option<Traced>,
}

impl Observation {
    /// What is learnt of it on its way.
    #[must_use]
    pub fn record(&self) -> &Arc<RequestRecord> {
        &self.record
    }

    /// Whether it leaves a line in the access log.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.head.is_some()
    }

    /// Its trace, if there are traces.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.traced.as_ref().map(Traced::id)
    }
}

impl Requests {
    /// Registers the metrics. At most `bucket_labels` buckets get a label of their own, in the order in which they are first used; 0: none, and no metric by
    /// bucket.
    ///
    /// # Errors
    /// They are registered already.
    pub fn register(
        registry: &Registry,
        bucket_labels: usize,
        access_log: Option<AccessLogFile>,
        traces: Option<Traces>,
    ) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let buckets = exponential_buckets(0.000_5, 2.0, 18)?;
        let duration = HistogramOpts::new(
            "s3_request_duration_seconds",
            "From the head of a request to the last byte of its answer.",
        );
        let duration = HistogramVec::new(duration.buckets(buckets), &["operation", "class"])?;
        registry.register(Box::new(duration.clone()))?;
        Ok(Self {
            duration,
            received: counter("s3_request_bytes_total", "Bytes of request bodies.", &["operation"])?,
            sent: counter("s3_response_bytes_total", "Bytes of answer bodies.", &["operation"])?,
            by_bucket: counter("s3_bucket_requests_total", "Requests by bucket.", &["bucket", "class"])?,
            labelled: Mutex::default(),
            bucket_labels,
            access_log,
            traces,
        })
    }

    /// A request came in.
    #[must_use]
    pub fn begin<B>(&self, request: &Request<B>) -> Observation {
        let head = self.access_log.as_ref().map(|_| Box::new(Head::of(request)));
        let (traced, moments) = self.traces.as_ref().map(|traces| traces.begin(request)).unzip();
        let named = head.is_some() || traced.is_some() || self.bucket_labels > 0;
        let record = RequestRecord { named, moments: moments.flatten(), ..RequestRecord::default() };
        Observation { record: Arc::new(record), head, traced }
    }

    /// Its answer has left, or never will.
    pub fn finish(&self, observation: Observation, answered: &Answered<'_>) {
        let Observation { record, head, traced } = observation;
        let routed = record.routed.lock().take();
        let class = class(answered.status);
        let operation = routed.as_ref().map_or(Operation::NONE, |routed| routed.operation).name();
        self.duration.with_label_values(&[operation, class]).observe(answered.took.as_secs_f64());
        let received = record.received.load(Relaxed);
        if received > 0 {
            self.received.with_label_values(&[operation]).inc_by(received);
        }
        if answered.sent > 0 {
            self.sent.with_label_values(&[operation]).inc_by(answered.sent);
        }
        if let Some(bucket) = routed.as_ref().and_then(|routed| routed.bucket.as_deref())
            && self.bucket_labels > 0
        {
            self.by_bucket.with_label_values(&[self.label(bucket, answered.status), class]).inc();
        }
        if let (Some(log), Some(head)) = (&self.access_log, &head) {
            log.write(head.line(routed.as_ref(), answered));
        }
        if let (Some(traces), Some(traced)) = (&self.traces, traced) {
            traces.finish(traced, (record.moments.as_ref(), received), routed, answered);
        }
    }

    /// A bucket earns its label by a request that succeeds: names that are made up cannot use them up.
    fn label<'b>(&self, bucket: &'b str, status: StatusCode) -> &'b str {
        let mut labelled = self.labelled.lock();
        if labelled.contains(bucket) {
            return bucket;
        }
        if labelled.len() < self.bucket_labels && status.is_success() {
            labelled.insert(bucket.to_owned());
            return bucket;
        }
        OTHER
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
