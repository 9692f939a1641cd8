//! The way from a node to its engines. Shut, the node reaches nothing: cut off, or stopped. Dead, it never will again: whatever its tasks would
//! do is done in the memory of a process that has ended.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use terrace_long_term::{BlobBody, BodyError};
use tokio::sync::Notify;

use crate::world::Course;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Shut,
    Dead,
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gate {
    course: Arc<Course>,
    way: Arc<Mutex<Way>>,
    /// Tells of every turn. Not a `watch`: that wakes its receivers in an order of its own making, another one each time.
    turned: Arc<Notify>,
}

impl Gate {
    pub(crate) fn new(course: &Arc<Course>) -> Self {
        Self { course: Arc::clone(course), way: Arc::new(Mutex::new(Way::Open)), turned: Arc::default() }
    }

    pub(crate) fn open(&self) {
        self.turn(Way::Open);
    }

    pub(crate) fn shut(&self) {
        self.turn(Way::Shut);
    }

    pub(crate) fn kill(&self) {
        self.turn(Way::Dead);
    }

    fn turn(&self, to: Way) {
        let mut way = self.way.lock();
        if *way != Way::Dead {
            *way = to;
            self.turned.notify_waiters();
        }
    }

    async fn until(&self, wanted: Way) {
        loop {
            let turned = self.turned.notified();
            if *self.way.lock() == wanted {
                return;
            }
            turned.await;
        }
    }

    /// Returns when the way is open, after giving others their turn.
    pub(crate) async fn pass(&self) {
        self.course.pace().await;
        self.until(Way::Open).await;
    }

    /// Returns when the node has died.
    pub(crate) async fn died(&self) {
        self.until(Way::Dead).await;
    }

    /// `body`, each chunk and the end of it through the gate.
    pub(crate) fn body(&self, body: BlobBody) -> BlobBody {
        let ended = stream::once(std::future::ready(None));
        let gate = self.clone();
        let gated = body.map(Some).chain(ended).then(move |chunk| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                chunk
            }
        });
        let gated = gated.filter_map(|chunk: Option<Result<Bytes, BodyError>>| std::future::ready(chunk));
        Box::pin(sync_wrapper::SyncStream::new(gated))
    }
}
