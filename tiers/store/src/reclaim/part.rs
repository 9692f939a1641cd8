//! Letting go of one part's body.

use terrace_high_volume::{Mutation, Transaction};

use crate::name::{BucketId, ObjectKey};
use crate::rows;
use crate::rows::garbage::{Garbage, Reason, Waste};
use crate::rows::part::{PartAt, PartRow};

/// What must be queued for a part that no upload names any more. Nobody reads parts of an open upload, so nothing waits for readers; an
/// inline body is cleared at once.
pub(crate) fn waste_of_part(
    txn: &dyn Transaction,
    (bid, key): (BucketId, &ObjectKey),
    part: &PartRow,
    (reason, now): (Reason, u64),
) -> Option<Garbage> {
    match part.at {
        PartAt::Empty => None,
        PartAt::Inline => {
            txn.mutate(Mutation::ClearRange { range: rows::inline::range(part.rev) });
            None
        }
        PartAt::Blob => {
            let what = Waste::Blob { bid, key: key.clone(), rev: part.rev };
            Some(Garbage { what, size: part.size, reason, not_before_ms: now })
        }
    }
}
