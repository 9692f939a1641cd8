//! What is really there, in both tiers.

use std::collections::BTreeMap;

use super::World;

/// Rows by the letter of their family, and blobs as `*`; families without a row are absent. Not counted: singletons, buckets, and
/// counters that stand at zero, and witnesses: tickets that say "committed".
pub(crate) type Dump = BTreeMap<char, u64>;

/// The counters of all buckets together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) objects: i64,
    pub(crate) bytes: i64,
    pub(crate) upload_bytes: i64,
}

fn is_open(ticket: &[u8]) -> bool {
    ticket[1] == 0
}

impl World {
    /// Rows that say of an operation that it was committed.
    pub(crate) async fn witnesses(&self) -> usize {
        let rows = self.engines.kv.rows().await;
        rows.iter().filter(|(row, value)| row[0] == b'T' && !is_open(value)).count()
    }

    pub(crate) async fn dump(&self) -> Dump {
        let mut dump = Dump::new();
        for (row, value) in self.engines.kv.rows().await {
            let family = char::from(row[0]);
            let is_counted = match family {
                'S' | 'B' => false,
                'C' => value.iter().any(|byte| *byte != 0),
                'T' => is_open(&value),
                _ => true,
            };
            *dump.entry(family).or_default() += u64::from(is_counted);
        }
        dump.insert('*', self.engines.blobs.count());
        dump.retain(|_, count| *count > 0);
        dump
    }

    pub(crate) async fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        for (row, value) in self.engines.kv.rows().await {
            let field = match (row.first(), row.get(9)) {
                (Some(b'C'), Some(0)) => &mut counters.objects,
                (Some(b'C'), Some(1)) => &mut counters.bytes,
                (Some(b'C'), Some(2)) => &mut counters.upload_bytes,
                (Some(b'C'), _) => panic!("an unknown counter"),
                _ => continue,
            };
            *field += i64::from_le_bytes(value[..].try_into().unwrap());
        }
        counters
    }

    /// The proof of the store itself: every blob in one class, none missing.
    pub(crate) async fn assert_sound(&self) {
        let report = self.store.fsck(false).await.unwrap();
        assert!(report.is_clean(), "{report:#?}");
    }

    /// Every blob that no record names is named by an open ticket.
    pub(crate) async fn assert_tickets_name_blobs(&self) {
        let rows = self.engines.kv.rows().await;
        for blob in self.engines.blobs.all().await {
            let named = |(row, value): &(bytes::Bytes, bytes::Bytes)| {
                let holds = |bytes: &[u8]| bytes.windows(16).any(|window| window == blob.rev);
                holds(row) || holds(value)
            };
            assert!(rows.iter().any(named), "{blob:?} is named by no row");
        }
    }

    /// Nothing but the bucket is left, and nothing waits.
    pub(crate) async fn assert_empty(&self) {
        assert_eq!(self.dump().await, Dump::new());
        assert_eq!(self.counters().await, Counters::default());
    }
}
