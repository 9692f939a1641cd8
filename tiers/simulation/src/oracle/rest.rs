//! The end of a run: nothing goes wrong any more, everything comes to an end, and all that was promised holds.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::Client;
use crate::oracle::judge_state;
use crate::oracle::listing::judge_listings;
use crate::world::{Engines, Node, settings};

/// The number of the client that looks at everything at the end.
const AUDITOR: u32 = 10_000;
/// How long the outcome of an upload is remembered, and an unsettled blob waits for its second deletion.
const DAY: Duration = Duration::from_secs(24 * 3_600 + 60);
/// How far ahead a clock that jumped may have been.
const CLOCKS: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Stops every node in good order, starts a last one alone, lets grace and a day pass, sweeps, and judges.
pub(crate) async fn come_to_rest(engines: &Arc<Engines>) {
    engines.course.calm();
    engines.settle().await;
    judge_state(engines, false).await;
    for node in engines.nodes() {
        if let Err(error) = node.store.close(Duration::from_secs(120)).await {
            engines.course.violated("a node closes", format!("n{}: {error:?}", node.number));
        }
        engines.leave(&node);
    }
    let last = match Node::start(engines, false).await {
        Ok(last) => Arc::new(last),
        Err(error) => return engines.course.violated("a node starts at last", format!("{error:?}")),
    };
    engines.join(Arc::clone(&last));
    if let Err(error) = clear_up(&last).await {
        engines.course.violated("all can be cleared up", format!("{error:?}"));
    }
    engines.settle().await;
    if let Err(error) = last.store.close(Duration::from_secs(60)).await {
        engines.course.violated("a node closes", format!("{error:?}"));
    }
    judge_state(engines, true).await;
    judge_listings(engines, &last).await;
    Client::new(engines, AUDITOR).read_all().await;
}

/// Sweeps, lets the grace pass, then a day, then as long as clocks may have run ahead.
async fn clear_up(last: &Node) -> terrace_store::Result<()> {
    let long = Duration::from_secs(60);
    if let Err(unfinished) = last.tasks.stop_workers(long).await {
        let unfinished =
            terrace_store::Failure::new(terrace_store::FailureKind::TimedOut, "stop workers", "")
                .because(format!("{unfinished:?}"));
        return Err(unfinished.into());
    }
    last.clock.jump(10_000);
    last.store.sweep_now().await?;
    // At the end once more: what a clock that ran ahead named is young until then.
    for time in [settings().grace, DAY, CLOCKS, settings().grace] {
        last.store.reclaim_now().await?;
        last.clock.jump(i64::try_from(time.as_millis()).unwrap_or(i64::MAX) + 1);
        last.store.sweep_now().await?;
        last.store.reclaim_now().await?;
    }
    Ok(())
}
