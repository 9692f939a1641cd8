//! Putting waste into the queue, inside the transaction that made it waste.

use terrace_high_volume::{Mutation, Transaction};

use crate::rows;
use crate::rows::garbage::{Class, Garbage};

/// Queues waste. The rows are told apart by their place in `waste`, so one transaction queues a class in one call.
pub(crate) fn put(txn: &dyn Transaction, class: Class, waste: &[Garbage]) {
    for (order, garbage) in (0_u16..).zip(waste) {
        let (key, offset) = rows::garbage::stamped(class, order);
        txn.mutate(Mutation::SetStampedKey { key, offset, value: garbage.encode() });
    }
}
