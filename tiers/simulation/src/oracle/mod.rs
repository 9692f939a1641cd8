//! The judges of a run: what is in both tiers, what the store says of it, and what clients were told.

mod decode;
mod listing;
mod rest;
mod rows;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use terrace_long_term::{BlobError, BlobStore};

pub(crate) use rest::come_to_rest;

use crate::oracle::rows::Judge;
use crate::oracle::state::State;
use crate::world::Engines;

/// Looks at both tiers as they are at this moment. Nothing waits in here, so no task moves meanwhile.
pub(crate) async fn judge_state(engines: &Engines, at_rest: bool) {
    let state = match state_of(engines).await {
        Ok(state) => state,
        Err(what) => return engines.course.violated("every row can be read", what),
    };
    let strays = engines.strays.lock().clone();
    Judge { state: &state, course: &engines.course, strays: &strays, at_rest }.judge();
}

async fn state_of(engines: &Engines) -> Result<State, String> {
    let rows = engines.rows().await.map_err(|error| format!("{error:?}"))?;
    let blobs = blobs_of(engines).await.map_err(|error| format!("{error:?}"))?;
    State::of(&rows, blobs)
}

/// Every blob with its bytes.
async fn blobs_of(engines: &Engines) -> Result<BTreeMap<[u8; 16], Bytes>, BlobError> {
    let mut blobs = BTreeMap::new();
    for bid in engines.blobs.buckets().await? {
        let mut after = None;
        loop {
            let page = engines.blobs.list(bid, after).await?;
            for listed in page.blobs {
                let Some(mut read) = engines.blobs.get(&listed.key, None).await? else { continue };
                let mut bytes = BytesMut::new();
                while let Some(chunk) = read.body.next().await {
                    bytes.extend_from_slice(&chunk.map_err(BlobError::body)?);
                }
                blobs.insert(listed.key.rev, bytes.freeze());
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(blobs)
}

/// Revisions of all blobs, by what the rows make of them: for a comparison with the store's own proof.
pub(super) async fn count_classes(engines: &Engines) -> Result<[u64; 4], String> {
    let state = state_of(engines).await?;
    let mut counted: BTreeSet<([u8; 16], state::Class)> = BTreeSet::new();
    for (rev, place, _, class) in state.claims() {
        if place == decode::Place::Blob && state.blobs.contains_key(&rev) {
            counted.insert((rev, class));
        }
    }
    let mut counts = [0; 4];
    for (_, class) in counted {
        counts[class as usize] += 1;
    }
    Ok(counts)
}
