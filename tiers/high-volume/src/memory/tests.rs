use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use terrace_runtime::ManualClock;

use super::{MemoryEngine, MemoryKv};
use crate::kv::Version;
use crate::laws::Subject;
use crate::laws::model::{Model, steps};
use crate::sequencer::engine::{Batch, Engine, Snapshot};

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

fn write(engine: &MemoryEngine, version: u64, key: &'static str, value: Option<&'static str>) {
    let rows =
        [(Bytes::from_static(key.as_bytes()), value.map(|value| Bytes::from_static(value.as_bytes())))];
    let batch = Batch { version: Version(version), rows: rows.into(), ..Batch::default() };
    engine.apply(batch, true).unwrap();
}

#[test]
fn older_versions_go_with_the_last_snapshot_that_can_see_them() {
    let engine = MemoryEngine::default();
    write(&engine, 1, "k", Some("one"));
    let old = engine.snapshot();
    for version in 2..100 {
        write(&engine, version, "k", Some("next"));
    }
    write(&engine, 100, "k", None);
    assert_eq!(old.get(b"k").unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(engine.snapshot().get(b"k").unwrap(), None);
    drop(old);
    write(&engine, 101, "other", Some("x"));
    assert_eq!(engine.approximate_size(), 6);
    write(&engine, 102, "other", None);
    assert_eq!(engine.approximate_size(), 0);
}

proptest! {
    #[test]
    fn random_transactions_do_what_they_do_to_a_map(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let subject = subject().await;
            let mut model = Model::default();
            model.run(&subject, steps).await.unwrap();
            model.compare(&subject).await.unwrap();
        });
    }
}
