//! Random transactions against an engine and against a map at once.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Subject, set};
use crate::error::KvError;
use crate::mutation::Mutation;
use crate::range::{Key, KeyRange, RangeOptions, Read};

/// Keys around the border between bodies (`D`) and rows, few enough to meet again.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![b'C', b'D', b'E']);
    (first, prop::collection::vec(prop::sample::select(vec![0, b'a', 0xFF]), 0..3))
        .prop_map(|(first, rest)| [&[first][..], &rest].concat())
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bytes = |key: Vec<u8>| Key::from(key);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        (any::<u8>(), 250..3_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    prop_oneof![
        4 => (key(), value).prop_map(move |(key, value)| set(bytes(key), value)),
        2 => key().prop_map(move |key| Mutation::Clear { key: bytes(key) }),
        1 => (key(), key()).prop_map(|(begin, end)| Mutation::ClearRange { range: KeyRange::new(begin, end) }),
        2 => (key(), any::<i64>()).prop_map(move |(key, delta)| Mutation::Add { key: bytes(key), delta }),
    ]
}

/// Transactions, each with a range to read behind it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    mutations: Vec<Mutation>,
    range: KeyRange,
    limit: usize,
    reverse: bool,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let range = (key(), key()).prop_map(|(begin, end)| KeyRange::new(begin, end));
    let step = (prop::collection::vec(mutation(), 1..8), range, 1..12_usize, any::<bool>())
        .prop_map(|(mutations, range, limit, reverse)| Step { mutations, range, limit, reverse });
    prop::collection::vec(step, 1..25)
}

/// What must be in the store.
#[derive(Default)]
pub(crate) struct Model(BTreeMap<Key, Bytes>);

impl Model {
    fn apply(&mut self, mutation: &Mutation) {
        match mutation {
            Mutation::Set { key, value } => {
                self.0.insert(key.clone(), value.clone());
            }
            Mutation::Clear { key } => {
                self.0.remove(key);
            }
            Mutation::ClearRange { range } => self.0.retain(|key, _| !range.contains(key)),
            Mutation::Add { key, delta } => {
                let mut number = [0; 8];
                let old = self.0.get(key).cloned().unwrap_or_default();
                for (to, from) in number.iter_mut().zip(old) {
                    *to = from;
                }
                let sum = i64::from_le_bytes(number).wrapping_add(*delta);
                self.0.insert(key.clone(), Bytes::copy_from_slice(&sum.to_le_bytes()));
            }
            other => panic!("not in the model: {other:?}"),
        }
    }

    /// Runs every step on the store and here, comparing.
    pub(crate) async fn run(&mut self, subject: &Subject, steps: Vec<Step>) -> Result<(), KvError> {
        for step in steps {
            step.mutations.iter().for_each(|mutation| self.apply(mutation));
            let old = subject.begin().await?;
            let before = old.read_version().await?;
            subject.write(step.mutations).await?;
            assert_eq!(old.read_version().await?, before);
            let options = RangeOptions { limit: step.limit, reverse: step.reverse, read: Read::Snapshot };
            let page = subject.begin().await?.range(step.range.clone(), options).await?;
            let mut expected: Vec<_> = self.0.iter().filter(|(key, _)| step.range.contains(key)).collect();
            if step.reverse {
                expected.reverse();
            }
            assert_eq!(page.more, expected.len() >= step.limit);
            expected.truncate(step.limit);
            assert_eq!(page.rows.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>(), expected);
        }
        Ok(())
    }

    /// Compares everything.
    pub(crate) async fn compare(&self, subject: &Subject) -> Result<(), KvError> {
        let options = RangeOptions { limit: 10_000, reverse: false, read: Read::Snapshot };
        let page = subject.begin().await?.range(KeyRange::new("A", "Z"), options).await?;
        assert_eq!(page.rows.into_iter().collect::<BTreeMap<_, _>>(), self.0);
        Ok(())
    }
}
