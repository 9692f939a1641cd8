//! On whose behalf a task runs: what a simulation asks to know which operation a call to an engine belongs to, however many tasks lie between.
//!
//! Without the feature `origins`, which only test crates turn on, nothing is carried and nothing costs anything.

use std::future::Future;

#[cfg(feature = "origins")]
tokio::task_local! {
    static ORIGIN: Option<&'static str>;
}

/// Runs `work`, and every task that it starts by [`Tasks`](crate::Tasks), on behalf of `origin`; its drop as well.
#[cfg(feature = "origins")]
pub fn on_behalf_of<F: Future>(origin: &'static str, work: F) -> impl Future<Output = F::Output> {
    ORIGIN.scope(Some(origin), work)
}

/// On whose behalf the current task runs.
#[cfg(feature = "origins")]
#[must_use]
pub fn origin() -> Option<&'static str> {
    ORIGIN.try_with(|origin| *origin).ok().flatten()
}

/// `work` on behalf of whoever starts it; of `name` where nobody is known.
#[cfg(feature = "origins")]
pub(crate) fn carried<F>(name: &'static str, work: F) -> impl Future<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
{
    ORIGIN.scope(Some(origin().unwrap_or(name)), work)
}

/// `work` on behalf of nobody but `name`.
#[cfg(feature = "origins")]
pub(crate) fn named<F>(name: &'static str, work: F) -> impl Future<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
{
    ORIGIN.scope(Some(name), work)
}

#[cfg(not(feature = "origins"))]
pub(crate) fn named<F>(_name: &'static str, work: F) -> impl Future<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
{
    work
}

#[cfg(not(feature = "origins"))]
pub(crate) fn carried<F>(_name: &'static str, work: F) -> impl Future<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
{
    work
}

#[cfg(all(test, feature = "origins"))]
mod tests {
    use super::*;
    use crate::Tasks;

    #[tokio::test]
    async fn what_a_task_starts_has_its_origin_and_what_nobody_started_has_its_name() {
        let tasks = Tasks::new();
        let inner = tasks.clone();
        let nested = on_behalf_of("client", async move {
            let task = inner.clone();
            inner.operation("put", async move { task.operation("ticket", async { origin() }).await }).await
        });
        assert_eq!(nested.await.unwrap().unwrap(), Some("client"));
        assert_eq!(tasks.operation("alone", async { origin() }).await.unwrap(), Some("alone"));
        assert_eq!(origin(), None);
    }
}
