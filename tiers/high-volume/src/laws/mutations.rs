//! What each write does.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::future::try_join_all;

use super::{Law, Subject, get, range, set};
use crate::mutation::Mutation;
use crate::range::Read;

fn add(subject: &Subject, delta: i64) -> Mutation {
    Mutation::Add { key: subject.key("n"), delta }
}

async fn number(subject: &Subject) -> Result<Option<i64>, crate::KvError> {
    Ok(subject
        .value("n")
        .await?
        .map(|value| i64::from_le_bytes(value.as_ref().try_into().unwrap_or([0xEE; 8]))))
}

/// The last word on a key counts, also across kinds of mutation.
pub async fn mutations_apply_in_their_order(subject: &Subject) -> Law {
    let key = |name: &str| subject.key(name);
    subject.set("cleared", "old").await?;
    subject
        .write([
            set(key("a"), "1"),
            Mutation::Clear { key: key("a") },
            Mutation::Clear { key: key("b") },
            set(key("b"), "2"),
            set(key("c"), "3"),
            Mutation::ClearRange { range: subject.keys("c", "d") },
            set(key("cleared2"), "4"),
            set(key("n"), vec![5, 0, 0, 0, 0, 0, 0, 0]),
            add(subject, 2),
            add(subject, 3),
        ])
        .await?;
    let reader = subject.begin().await?;
    let rows = range(&*reader, subject.all(), 10, Read::Snapshot).await?.rows;
    let values: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(values, [key("b"), key("cleared2"), key("n")]);
    assert_eq!(number(subject).await?, Some(10));
    subject.write([Mutation::Clear { key: key("n") }, add(subject, 7)]).await?;
    assert_eq!(number(subject).await?, Some(7));
    Ok(())
}

/// The first key goes, the end stays; an empty or reversed range does nothing.
pub async fn a_range_clear_takes_exactly_its_range(subject: &Subject) -> Law {
    subject.write(["a", "b", "b1", "c", "d"].map(|name| set(subject.key(name), "x"))).await?;
    for range in [subject.keys("b", "c"), subject.keys("c", "c"), subject.keys("d", "a")] {
        subject.write([Mutation::ClearRange { range }]).await?;
    }
    let rows = range(&*subject.begin().await?, subject.all(), 10, Read::Snapshot).await?.rows;
    let keys: Vec<_> = rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "c", "d"].map(|name| subject.key(name)));
    Ok(())
}

/// Little-endian, two's complement.
pub async fn an_add_counts_absent_as_zero_and_wraps(subject: &Subject) -> Law {
    for (delta, sum) in [(5, 5), (-7, -2), (i64::MAX, i64::MAX - 2), (3, i64::MIN), (-1, i64::MAX)] {
        subject.write([add(subject, delta)]).await?;
        assert_eq!(number(subject).await?, Some(sum));
    }
    Ok(())
}

/// A shorter value is extended by zeros, a longer one cut to eight bytes.
pub async fn an_add_takes_values_of_other_lengths(subject: &Subject) -> Law {
    subject.write([set(subject.key("n"), vec![250]), add(subject, 10)]).await?;
    assert_eq!(number(subject).await?, Some(260));
    subject.write([set(subject.key("n"), vec![1; 12])]).await?;
    subject.write([add(subject, 0)]).await?;
    assert_eq!(subject.value("n").await?, Some(Bytes::from_static(&[1; 8])));
    Ok(())
}

/// No conflict and none lost.
pub async fn concurrent_adds_are_all_counted(subject: &Subject) -> Law {
    try_join_all((1..=100).map(|delta| subject.write([add(subject, delta)]))).await?;
    assert_eq!(number(subject).await?, Some(5_050));
    Ok(())
}

/// As a queue needs it.
pub async fn stamped_keys_are_unique_and_sort_as_the_commits_did(subject: &Subject) -> Law {
    let template = subject.key([0; 12]);
    let offset = template.len() - 12;
    let push = || {
        subject.write([Mutation::SetStampedKey {
            key: template.clone(),
            offset,
            value: Bytes::from_static(b"x"),
        }])
    };
    let mut stamps = Vec::new();
    for _ in 0..20 {
        stamps.push(push().await?.stamp);
    }
    assert!(stamps.is_sorted() && stamps.iter().all(|stamp| stamp.0 != [0; 10]));
    let racing = try_join_all((0..80).map(|_| push())).await?;
    assert!(racing.iter().all(|commit| Some(&commit.stamp) > stamps.last()));
    stamps.extend(racing.into_iter().map(|commit| commit.stamp));
    let rows = range(&*subject.begin().await?, subject.all(), 1_000, Read::Snapshot).await?.rows;
    let stored: BTreeSet<_> = rows.into_iter().map(|(key, _)| key).collect();
    let expected: BTreeSet<_> =
        stamps.iter().map(|stamp| subject.key([&stamp.0[..], &[0, 0]].concat())).collect();
    assert_eq!((stored.len(), &stored), (100, &expected));
    Ok(())
}

/// The bytes around it stay.
pub async fn a_stamped_value_holds_the_stamp_of_its_commit(subject: &Subject) -> Law {
    let value = Bytes::from_static(b"<0123456789>");
    let commit =
        subject.write([Mutation::SetStampedValue { key: subject.key("k"), value, offset: 1 }]).await?;
    let expected = [b"<", &commit.stamp.0[..], b">"].concat();
    assert_eq!(subject.value("k").await?.as_deref(), Some(&expected[..]));
    assert_eq!(commit.stamp.0.first_chunk(), Some(&commit.version.0.to_be_bytes()));
    Ok(())
}

/// Read at the transaction's own version.
pub async fn a_bump_moves_the_catalog_version_and_nothing_else_does(subject: &Subject) -> Law {
    let early = subject.begin().await?;
    let before = early.catalog_version().await?;
    subject.set("k", "x").await?;
    assert_eq!(subject.begin().await?.catalog_version().await?, before);
    let bump = subject.write([Mutation::BumpCatalog]).await?;
    let after = subject.begin().await?.catalog_version().await?;
    assert!(after > before);
    assert_eq!(after.0, bump.stamp);
    assert_eq!(early.catalog_version().await?, before);
    Ok(())
}

/// A reader that races with writers of two keys finds them equal.
pub async fn a_transaction_is_seen_whole_or_not_at_all(subject: &Subject) -> Law {
    let writers = try_join_all((0..50_u8).map(|turn| {
        subject.write([set(subject.key("a"), vec![turn; 100]), set(subject.key("b"), vec![turn; 100])])
    }));
    let readers = try_join_all((0..50).map(|_| async {
        let reader = subject.begin().await?;
        let first = get(&*reader, &subject.key("a"), Read::Snapshot).await?;
        tokio::task::yield_now().await;
        let second = get(&*reader, &subject.key("b"), Read::Snapshot).await?;
        assert_eq!(first, second);
        Ok::<_, crate::KvError>(())
    }));
    let (writers, readers) = futures::join!(writers, readers);
    writers.and(readers.map(|_| ()))
}
