//! `T`: write tickets, the fences of large writes. Key: node, revision: a scan of a node's tickets meets the oldest first.

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange};

use crate::name::{BucketId, Node, Revision};
use crate::rows::{Damaged, Family, codec};

const VERSION: u8 = 1;

/// Whether the write that holds the ticket has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Not committed; its blob, if any, belongs to nobody else.
    Open = 0,
    /// Committed.
    Committed = 1,
}

/// What the ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The blob of an object.
    Object = 0,
    /// The blob of a part.
    Part = 1,
    /// An operation without a blob: the ticket is only its witness.
    Operation = 2,
}

/// Value of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Whether it is still open.
    pub(crate) state: State,
    /// What it is for.
    pub(crate) kind: Kind,
    /// Bucket in the blob's name.
    pub(crate) bid: BucketId,
    /// Key in the blob's name; empty for an operation without one.
    pub(crate) key: Bytes,
    /// When it was opened, milliseconds since the epoch.
    pub(crate) created_ms: u64,
}

/// Row of a ticket.
pub(crate) fn key(node: Node, revision: Revision) -> Key {
    codec::key(Family::Ticket, &[&node.0, &revision.0])
}

/// All tickets.
pub(crate) fn range() -> KeyRange {
    KeyRange::prefix(codec::key(Family::Ticket, &[]))
}

/// All tickets of one node.
pub(crate) fn node_range(node: Node) -> KeyRange {
    KeyRange::prefix(codec::key(Family::Ticket, &[&node.0]))
}

/// Node and revision in a row's key.
pub(crate) fn parse(key: &Key) -> Option<(Node, Revision)> {
    let (node, revision) = key.strip_prefix(&[Family::Ticket.byte()])?.split_first_chunk()?;
    Some((Node(*node), Revision(revision.try_into().ok()?)))
}

impl Ticket {
    /// A witness: its operation has been committed, and it names no blob.
    pub(crate) fn witness() -> Self {
        let (state, kind) = (State::Committed, Kind::Operation);
        Self { state, kind, bid: BucketId(0), key: Bytes::new(), created_ms: 0 }
    }

    /// Its value.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| {
            writer.byte(VERSION);
            writer.byte(self.state as u8);
            writer.byte(self.kind as u8);
            writer.bucket(self.bid);
            writer.bytes(&self.key);
            writer.varint(self.created_ms);
        })
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Ticket, VERSION, value, |reader| {
            let state = match reader.byte()? {
                0 => State::Open,
                1 => State::Committed,
                _ => return None,
            };
            let kind = match reader.byte()? {
                0 => Kind::Object,
                1 => Kind::Part,
                2 => Kind::Operation,
                _ => return None,
            };
            let (bid, key, created_ms) = (reader.bucket()?, reader.bytes()?, reader.varint()?);
            Some(Self { state, kind, bid, key, created_ms })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::sample;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_ticket_has_no_owner() {
        let good = key(Node([1; 8]), Revision([2; 16]));
        assert_eq!(parse(&good.slice(..24)), None);
        assert_eq!(parse(&terrace_high_volume::after(&good)), None);
        assert_eq!(parse(&Bytes::from_static(b"G")), None);
    }

    proptest! {
        #[test]
        fn a_ticket_reads_back_as_it_was_written(
            state in prop::sample::select(vec![State::Open, State::Committed]),
            kind in prop::sample::select(vec![Kind::Object, Kind::Part, Kind::Operation]),
            bid in sample::bucket(), object in prop::option::of(sample::object_key()),
            created_ms in sample::number(),
        ) {
            let key = object.map(|key| key.as_bytes().clone()).unwrap_or_default();
            let ticket = Ticket { state, kind, bid, key, created_ms };
            prop_assert_eq!(Ticket::decode(&ticket.encode()), Ok(ticket.clone()));
            sample::assert_guarded(&ticket.encode(), Ticket::decode);
        }

        #[test]
        fn the_tickets_of_a_node_sort_by_revision(
            node: [u8; 8], (a, b) in (sample::revision(), sample::revision()),
        ) {
            let node = Node(node);
            let (first, second) = (key(node, a), key(node, b));
            prop_assert_eq!(first.cmp(&second), a.cmp(&b));
            prop_assert!(node_range(node).contains(&first) && range().contains(&first));
            prop_assert_eq!(parse(&first), Some((node, a)));
        }
    }
}
