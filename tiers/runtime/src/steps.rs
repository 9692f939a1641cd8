//! What the tiers do for a request that is traced, told from where it is done to the one who traces: a value of the task, which an
//! operation takes along into its own. Without it a step costs one look at a thread's variable.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static STEPS: Option<Arc<dyn Steps>>;
}

/// One thing that a tier did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What: `commit`, `put`.
    pub operation: &'static str,
    /// `high_volume` or `long_term`.
    pub tier: &'static str,
    /// The backend, as in the metrics.
    pub backend: &'static str,
    /// When it began, by the monotonic clock.
    pub began: Duration,
    /// How long it took.
    pub took: Duration,
    /// Whether it ended in an error.
    pub failed: bool,
}

/// Who is told of the steps of one request.
pub trait Steps: Send + Sync {
    /// A step is over.
    fn took(&self, step: Step);
}

/// Who is told of the steps of the request that this task works for.
#[must_use]
pub fn current() -> Option<Arc<dyn Steps>> {
    STEPS.try_with(Clone::clone).ok().flatten()
}

/// `work`, whose steps `steps` is told of; also those of the operations that it starts.
pub fn told<F: Future>(steps: Option<Arc<dyn Steps>>, work: F) -> TaskLocalFuture<Option<Arc<dyn Steps>>, F> {
    STEPS.scope(steps, work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tasks;

    struct Nobody;

    impl Steps for Nobody {
        fn took(&self, _step: Step) {}
    }

    #[tokio::test]
    async fn an_operation_works_for_the_request_that_started_it() {
        assert!(current().is_none());
        let tasks = Tasks::new();
        let inside = told(Some(Arc::new(Nobody)), async {
            let operation = tasks.operation("x", async { current().is_some() });
            (current().is_some(), operation.await.unwrap())
        });
        assert_eq!(inside.await, (true, true));
        let outside = tasks.operation("x", async { current().is_some() });
        assert!(!outside.await.unwrap());
    }
}
