//! The worker over the queue. With nothing queued it sleeps until it is woken: an idle store writes nothing.

use std::time::Duration;

use terrace_runtime::{StopSignal, WorkerStatus};

use crate::error::Result;
use crate::reclaim::pass::Rest;
use crate::rows::garbage::Class;
use crate::store::Store;

/// How long after a failure the worker tries again; twice as long after each failure that follows, up to [`LONGEST`].
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The longest it sleeps on a queue that is not empty: wall clocks jump.
const LONGEST: Duration = Duration::from_secs(60);

impl Store {
    /// Starts the worker.
    pub(crate) fn start_reclaim(&self) {
        let store = self.clone();
        self.tasks.worker("reclaim", |stop, status| async move { store.reclaim_loop(stop, status).await });
    }

    async fn reclaim_loop(&self, stop: StopSignal, status: WorkerStatus) {
        let mut after_failure = AFTER_FAILURE;
        while !stop.is_set() {
            let pause =
                match self.reclaim_due(&stop).await {
                    Ok(pause) => {
                        after_failure = AFTER_FAILURE;
                        status.set(pause.map_or_else(
                            || "queue empty".to_owned(),
                            |time| format!("next look in {time:?}"),
                        ));
                        pause
                    }
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "reclaim did not get on; it will try again"
                        );
                        status.set("failing; see the log");
                        let pause = after_failure;
                        after_failure = (after_failure * 2).min(LONGEST);
                        Some(pause)
                    }
                };
            let woken = self.reclaim.wake.notified();
            tokio::select! {
                // In this order, so that a simulation meets the same one each time.
                biased;
                () = stop.wait() => {}
                () = woken => {}
                () = tokio::time::sleep(pause.unwrap_or(LONGEST)), if pause.is_some() => {}
            }
        }
    }

    /// Passes over both classes until nothing is due. How long until something is; `None`: nothing is queued. A class that fails does not
    /// hold the other back.
    async fn reclaim_due(&self, stop: &StopSignal) -> Result<Option<Duration>> {
        let mut pause: Option<Duration> = None;
        let mut failed = Ok(());
        for class in [Class::Soon, Class::Day] {
            let rest = loop {
                match self.reclaim_pass(class).await {
                    Ok(Rest::More) if !stop.is_set() => {}
                    rest => break rest,
                }
            };
            match rest {
                Ok(Rest::Wait(time)) => {
                    let time = time.min(LONGEST);
                    pause = Some(pause.map_or(time, |earlier| earlier.min(time)));
                }
                Ok(Rest::Empty | Rest::More) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed.map(|()| pause)
    }

    /// Reclaims all that is due now, until nothing is: for tests and tools, with no worker running.
    ///
    /// # Errors
    /// What a tier says.
    pub async fn reclaim_now(&self) -> Result<()> {
        for class in [Class::Soon, Class::Day] {
            while self.reclaim_pass(class).await? == Rest::More {}
        }
        Ok(())
    }
}
