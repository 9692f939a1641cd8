//! What the store says of itself, beside what is there.

use terrace_store::ops::object::ListObjects;

use crate::actors::BUCKETS;
use crate::actors::place;
use crate::oracle::{count_classes, state_of};
use crate::world::{Engines, Node};

/// Listings show the records, ETags are revisions, and the store's own proof agrees.
pub(super) async fn judge_listings(engines: &Engines, node: &Node) {
    if let Err(what) = compare_listings(engines, node).await {
        engines.course.violated("listings show the records", what);
    }
    if let Err(what) = compare_proofs(engines, node).await {
        engines.course.violated("the store's own proof agrees", what);
    }
}

async fn compare_listings(engines: &Engines, node: &Node) -> Result<(), String> {
    let state = state_of(engines).await?;
    let mut listed = Vec::new();
    for name in BUCKETS {
        let request = ListObjects {
            bucket: place(name, "a").bucket,
            prefix: "".into(),
            delimiter: "".into(),
            after: "".into(),
            limit: 1_000,
        };
        match node.store.list_objects(request).await {
            Ok(listing) => listed.extend(
                listing.objects.into_iter().map(|one| (one.key.to_vec(), one.etag.to_string(), one.size)),
            ),
            Err(terrace_store::Error::Refused(terrace_store::Refusal::NoSuchBucket)) => {}
            Err(error) => return Err(format!("{name}: {error:?}")),
        }
    }
    let mut recorded: Vec<_> = state
        .objects
        .iter()
        .map(|((_, key), head)| {
            (key.clone(), format!("\"{}-{}\"", hex::encode(head.body_rev), head.parts), head.size)
        })
        .collect();
    // The two buckets may have been made in any order.
    recorded.sort();
    listed.sort();
    if listed == recorded { Ok(()) } else { Err(format!("listed {listed:?}, recorded {recorded:?}")) }
}

async fn compare_proofs(engines: &Engines, node: &Node) -> Result<(), String> {
    let report = node.store.fsck(false).await.map_err(|error| format!("{error:?}"))?;
    let ours = count_classes(engines).await?;
    let theirs = [report.tickets.count, report.parts.count, report.bodies.count, report.queued.count];
    if report.is_clean() && ours == theirs {
        return Ok(());
    }
    Err(format!("tickets, parts, bodies, queued: counted {ours:?}, {report:?}"))
}
