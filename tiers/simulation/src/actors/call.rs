//! One call: on whose behalf, on which node, until the answer, the client's patience or the node's end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use terrace_runtime::origin;
use terrace_store::{Error, FailureKind, Refusal, Store};

use crate::actors::Client;
use crate::faults::{Fault, Operation};
use crate::history::Answer;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client learned of a call; `None`: nothing.
pub(crate) type Told<T> = Option<Result<T, Error>>;

impl Client {
    /// Calls a node and waits for it. The call is dropped when the client goes away first.
    pub(crate) async fn call<T, F>(&self, operation: Operation, call: impl FnOnce(Store) -> F) -> Told<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let engines = &self.engines;
        let nodes = engines.nodes();
        let node = Arc::clone(self.random.pick(&nodes));
        let course = &engines.course;
        let hangs_up = course.choose(&[Fault::HangUp]).map(|_| course.time(0, 40));
        let _under_way = node.enter(operation);
        let (number, name) = (self.number, operation.name());
        course.note(format_args!("c{number} {name} at n{}", node.number));
        let mut work = std::pin::pin!(origin::on_behalf_of(name, call(node.store.clone())));
        if let Some(cut) = self.cut.as_ref().filter(|cut| cut.strikes(operation)) {
            return cut.poll(engines, &node, work.as_mut()).await;
        }
        tokio::select! {
            biased;
            () = node.gate.died() => {
                course.note(format_args!("c{number} {name}: the node died"));
                None
            }
            told = work => {
                engines.answered.fetch_add(1, Ordering::Relaxed);
                let said = told.as_ref().map(drop).map_err(ToString::to_string);
                course.note(format_args!("c{number} {name}: {said:?}"));
                Some(told)
            }
            () = tokio::time::sleep(hangs_up.unwrap_or(PATIENCE)) => {
                if hangs_up.is_some() {
                    course.count(operation, Fault::HangUp);
                }
                None
            }
        }
    }
}

/// What an error says of a write, a deletion, or a touch. `None`: not one that was expected.
pub(crate) fn untold(error: &Error) -> Option<Answer> {
    match error {
        Error::Refused(Refusal::PreconditionFailed(_)) => Some(Answer::Refused),
        // If-Match on nothing.
        Error::Refused(Refusal::NoSuchKey) => Some(Answer::Absent),
        Error::Refused(Refusal::NoSuchBucket) | Error::Body(_) => Some(Answer::NotDone),
        Error::Refused(_) => None,
        Error::Failed(failure) => match failure.kind() {
            FailureKind::MaybeCommitted => Some(Answer::Unknown),
            FailureKind::Unavailable | FailureKind::Throttled | FailureKind::TimedOut => {
                Some(Answer::NotDone)
            }
            FailureKind::NoSpace | FailureKind::Corrupt | FailureKind::Unsupported | FailureKind::Bug => None,
        },
    }
}
