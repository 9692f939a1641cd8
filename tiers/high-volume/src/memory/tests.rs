use std::sync::Arc;

use bytes::Bytes;
use terrace_runtime::ManualClock;

use super::MemoryKv;
use crate::laws::Subject;

async fn subject() -> Subject {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let kv = MemoryKv::new(Arc::clone(&clock) as _);
    Subject {
        kv,
        prefix: Bytes::from_static(b"law/"),
        pass: Box::new(move |time| {
            clock.advance(time);
            Box::pin(std::future::ready(()))
        }),
        keep: Box::new(()),
    }
}

crate::laws!(subject());
