//! The worker that sends spans.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use terrace_runtime::{StopSignal, WorkerStatus};
use tokio::sync::mpsc::Receiver;

use super::Counters;
use super::post::{Collector, PostError};
use super::span::RequestSpan;
use super::wire::{Attribute, OfResource, OfScope, Request, Resource, Scope, Span};
use crate::telemetry::chain;

/// Requests in one batch, and the time that a batch is waited for to fill up.
const BATCH: usize = 512;
const LINGER: Duration = Duration::from_secs(1);
/// Between two attempts to reach a collector that is away.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What a stop waits for the collector, of the budget that all workers have.
const LAST: Duration = Duration::from_secs(5);

/// Sends what is in the queue, batch by batch, one at a time.
pub(super) struct Exporter {
    waiting: Receiver<RequestSpan>,
    collector: Collector,
    counters: Counters,
    batch: Vec<RequestSpan>,
    /// Encoded, and how many spans it is; kept until the collector has taken or refused it.
    ready: Option<(Bytes, u64)>,
    failing: bool,
}

impl Exporter {
    pub(super) fn new(waiting: Receiver<RequestSpan>, collector: Collector, counters: Counters) -> Self {
        Self { waiting, collector, counters, batch: Vec::new(), ready: None, failing: false }
    }

    /// Until the stop; then sends what is there, at most [`LAST`] long.
    pub(super) async fn run(mut self, stop: StopSignal, status: WorkerStatus) {
        let out_of_time = async {
            stop.wait().await;
            tokio::time::sleep(LAST).await;
        };
        tokio::select! {
            () = self.send_all(&stop, &status) => {}
            () = out_of_time => {}
        }
        self.give_up();
    }

    async fn send_all(&mut self, stop: &StopSignal, status: &WorkerStatus) {
        let mut pause = FIRST_PAUSE;
        loop {
            let stopping = self.ready.is_none() && self.gather(stop).await;
            self.encode();
            if self.send(status).await {
                pause = FIRST_PAUSE;
                if stopping || stop.is_set() {
                    break;
                }
            } else if stop.is_set() || stop.sleep(pause).await {
                break;
            } else {
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        self.waiting.close();
        loop {
            self.fill();
            self.encode();
            if self.ready.is_none() || !self.send(status).await {
                return;
            }
        }
    }

    /// Waits for a batch. `true`: there will be no more, or a stop came.
    async fn gather(&mut self, stop: &StopSignal) -> bool {
        tokio::select! {
            count = self.waiting.recv_many(&mut self.batch, BATCH) => if count == 0 { return true },
            () = stop.wait() => return true,
        }
        let full = tokio::time::sleep(LINGER);
        tokio::pin!(full);
        while self.batch.len() < BATCH {
            let room = BATCH - self.batch.len();
            tokio::select! {
                count = self.waiting.recv_many(&mut self.batch, room) => if count == 0 { return true },
                () = &mut full => return false,
                () = stop.wait() => return true,
            }
        }
        false
    }

    /// What is in the queue, without waiting.
    fn fill(&mut self) {
        while self.batch.len() < BATCH
            && let Ok(span) = self.waiting.try_recv()
        {
            self.batch.push(span);
        }
    }

    fn encode(&mut self) {
        if self.ready.is_some() || self.batch.is_empty() {
            return;
        }
        let mut spans = Vec::with_capacity(2 * self.batch.len());
        for span in self.batch.drain(..) {
            span.encode(&mut spans);
        }
        let count = spans.len() as u64;
        self.ready = Some((request(spans).encode_to_vec().into(), count));
    }

    /// Sends what is ready. `false`: it is to be sent again. Tells of the first failure and of its end, not of each batch.
    async fn send(&mut self, status: &WorkerStatus) -> bool {
        let Some((batch, count)) = &self.ready else { return true };
        let (refused, why) = match self.collector.post(batch.clone()).await {
            Ok((refused, why)) => (refused.min(*count), why),
            Err(later @ PostError::Later(_)) => {
                let error = chain(&later);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, "spans wait, and are dropped when there are too many");
                }
                status.set(error.to_string());
                return false;
            }
            Err(refusal @ PostError::Refused(_)) => (*count, refusal.to_string()),
        };
        self.counters.sent.inc_by(count - refused);
        self.counters.refused.inc_by(refused);
        self.ready = None;
        let failing = refused > 0;
        match (std::mem::replace(&mut self.failing, failing), failing) {
            (false, true) => tracing::warn!(refused, why, "the collector refuses spans"),
            (true, false) => tracing::info!("the collector takes spans again"),
            (true, true) | (false, false) => {}
        }
        status.set(if failing { why } else { "well".to_owned() });
        true
    }

    /// Counts what is left after the last word.
    fn give_up(&mut self) {
        self.waiting.close();
        let ready = self.ready.take().map_or(0, |(_, count)| count);
        let mut lost = ready + self.batch.iter().map(RequestSpan::count).sum::<u64>();
        while let Ok(span) = self.waiting.try_recv() {
            lost += span.count();
        }
        if lost > 0 {
            self.counters.stopped.inc_by(lost);
            tracing::warn!(lost, "stop: the collector did not take the last spans");
        }
    }
}

fn request(spans: Vec<Span>) -> Request {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let attributes = vec![Attribute::text("service.name", name), Attribute::text("service.version", version)];
    let scope = Scope { name: name.to_owned(), version: version.to_owned() };
    let resource = Some(Resource { attributes });
    Request { resources: vec![OfResource { resource, scopes: vec![OfScope { scope: Some(scope), spans }] }] }
}
