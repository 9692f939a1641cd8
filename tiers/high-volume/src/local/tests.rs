use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use terrace_runtime::{ManualClock, Tasks};

use super::{LocalKv, LocalOptions, OpenError};
use crate::laws::Subject;

fn open_with(options: LocalOptions, clock: Arc<ManualClock>) -> Result<Arc<LocalKv>, OpenError> {
    LocalKv::open(options, clock, Tasks::new(), Arc::new(|cause| panic!("the engine failed: {cause:?}")))
}

fn open(directory: &Path) -> Result<Arc<LocalKv>, OpenError> {
    open_with(LocalOptions::new(directory), Arc::new(ManualClock::at(1_700_000_000_000)))
}

async fn subject(prefix: &'static [u8]) -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let kv = open_with(LocalOptions::new(directory.path()), Arc::clone(&clock)).unwrap();
    Subject {
        kv,
        prefix: Bytes::from_static(prefix),
        pass: Box::new(move |time| {
            clock.advance(time);
            Box::pin(std::future::ready(()))
        }),
        keep: Box::new(directory),
    }
}

mod among_rows {
    crate::laws!(super::subject(b"law/"));
}

mod among_bodies {
    crate::laws!(super::subject(b"D"));
}
