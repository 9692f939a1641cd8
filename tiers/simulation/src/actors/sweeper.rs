//! Who looks for blobs that nothing names, and who puts them there.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use terrace_long_term::{BlobKey, BlobStore, SizeHint};
use terrace_runtime::origin;
use terrace_store::Store;

use crate::faults::Operation;
use crate::random::Random;
use crate::world::Engines;

/// Leaves `count` blobs that belong to nothing, as an older disaster would have, and sweeps after each.
pub(crate) async fn sweeper(engines: Arc<Engines>, count: u64) {
    let random = Random::new(engines.seed, 5);
    for _ in 0..count {
        tokio::time::sleep(Duration::from_millis(random.between(20, 300))).await;
        stray(&engines, &random).await;
        let nodes = engines.nodes();
        let node = Arc::clone(random.pick(&nodes));
        let by_proof = random.chance(500);
        let proof = origin::on_behalf_of(Operation::Sweep.name(), sweep(&node.store, by_proof));
        let patience = tokio::time::sleep(Duration::from_secs(120));
        tokio::select! {
            biased;
            () = node.gate.died() => {}
            outcome = proof => match outcome {
                Ok(queued) => engines.course.note(format_args!("swept: {queued}")),
                Err(error) => engines.course.note(format_args!("not swept: {error}")),
            },
            () = patience => {}
        }
    }
}

/// The two ways to find what nothing names.
async fn sweep(store: &Store, by_proof: bool) -> terrace_store::Result<u64> {
    if by_proof { store.fsck(true).await.map(|report| report.repaired) } else { store.sweep_now().await }
}

async fn stray(engines: &Arc<Engines>, random: &Random) {
    // Minted long before the run began.
    let mut rev = [0; 16];
    rev[..8].copy_from_slice(&0x0150_0000_0000_7000_u64.to_be_bytes());
    rev[8..].copy_from_slice(&random.next().to_be_bytes());
    engines.strays.lock().insert(rev);
    let blob = BlobKey { bid: 1, key: Bytes::from_static(b"a"), rev };
    let body = Bytes::from_static(b"belongs to nobody");
    let size = SizeHint::Exact(body.len() as u64);
    // The memory store refuses no body that is whole.
    if let Err(error) = engines.blobs.put(&blob, Box::pin(stream::iter([Ok(body)])), size).await {
        engines.course.violated("no error is a bug", format!("{error:?}"));
    }
}
