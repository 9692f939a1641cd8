//! Who must run again, and who must not.

use futures::future::try_join_all;

use super::{Law, Subject, failed, get, range, set};
use crate::error::KvErrorKind::{self, Conflict as Lost};
use crate::mutation::{Conflict, Mutation};
use crate::range::{KeyRange, RangeOptions, Read};

/// A read, then a foreign write of the same key, then a commit.
pub async fn a_point_read_conflicts_with_a_later_write(subject: &Subject) -> Law {
    subject.set("k", "old").await?;
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Serializable).await?;
    reader.mutate(set(subject.key("other"), "x"));
    subject.set("k", "new").await?;
    assert_eq!(failed(reader.commit().await), Lost);
    Ok(())
}

/// Absence is read like a value.
pub async fn a_read_of_an_absent_key_conflicts_with_its_creation(subject: &Subject) -> Law {
    let reader = subject.begin().await?;
    assert_eq!(get(&*reader, &subject.key("k"), Read::Serializable).await?, None);
    reader.mutate(set(subject.key("other"), "x"));
    subject.set("k", "new").await?;
    assert_eq!(failed(reader.commit().await), Lost);
    Ok(())
}

/// Only what happened since counts.
pub async fn a_write_before_the_read_version_does_not_conflict(subject: &Subject) -> Law {
    subject.set("k", "old").await?;
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Serializable).await?;
    range(&*reader, subject.all(), 10, Read::Serializable).await?;
    reader.mutate(set(subject.key("k"), "new"));
    reader.commit().await?;
    assert_eq!(subject.value("k").await?.as_deref(), Some(&b"new"[..]));
    Ok(())
}

/// A snapshot read is no promise, of a key or of a range.
pub async fn a_snapshot_read_does_not_conflict(subject: &Subject) -> Law {
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Snapshot).await?;
    range(&*reader, subject.all(), 10, Read::Snapshot).await?;
    reader.catalog_version().await?;
    reader.mutate(set(subject.key("other"), "x"));
    subject.write([set(subject.key("k"), "new"), Mutation::BumpCatalog]).await?;
    reader.commit().await?;
    Ok(())
}

/// No phantom.
pub async fn a_range_read_conflicts_with_a_key_that_appears_in_it(subject: &Subject) -> Law {
    for (key, conflicts) in [("b", true), ("d", true), ("a", false), ("e", false)] {
        subject.write([Mutation::ClearRange { range: subject.all() }]).await?;
        subject.set("c", "old").await?;
        let reader = subject.begin().await?;
        assert_eq!(range(&*reader, subject.keys("b", "e"), 10, Read::Serializable).await?.rows.len(), 1);
        reader.mutate(set(subject.key("other"), "x"));
        subject.set(key, "new").await?;
        let answer = reader.commit().await;
        assert_eq!(answer.err().map(|error| error.kind()), conflicts.then_some(Lost), "{key}");
    }
    Ok(())
}

/// A clear inside the range, of one key and of a range that reaches in.
pub async fn a_range_read_conflicts_with_a_key_that_goes(subject: &Subject) -> Law {
    for cleared in [KeyRange::single(&subject.key("c")), subject.keys("a", "b\0"), subject.keys("d", "z")] {
        let reader = subject.begin().await?;
        range(&*reader, subject.keys("b", "e"), 10, Read::Serializable).await?;
        reader.mutate(set(subject.key("other"), "x"));
        subject.write([Mutation::ClearRange { range: cleared }]).await?;
        assert_eq!(failed(reader.commit().await), Lost);
    }
    Ok(())
}

/// What lies behind the last row of a page that was full was not read.
pub async fn a_limited_range_read_conflicts_only_where_it_read(subject: &Subject) -> Law {
    let cases = [
        (false, "b", true),
        (false, "b5", false),
        (true, "c5", true),
        (true, "c", true),
        (true, "b5", false),
    ];
    for (reverse, key, conflicts) in cases {
        subject.write(["a", "b", "c", "d"].map(|name| set(subject.key(name), "old"))).await?;
        subject.write(["b5", "c5"].map(|name| Mutation::Clear { key: subject.key(name) })).await?;
        let reader = subject.begin().await?;
        let options = RangeOptions { limit: 2, reverse, read: Read::Serializable };
        assert!(reader.range(subject.keys("a", "z"), options).await?.more);
        reader.mutate(set(subject.key("zz"), "x"));
        subject.set(key, "new").await?;
        let answer = reader.commit().await;
        assert_eq!(answer.err().map(|error| error.kind()), conflicts.then_some(Lost), "{key} {reverse}");
    }
    Ok(())
}

/// Keys that were absent are in the range as well.
pub async fn a_range_clear_conflicts_with_a_read_of_any_key_in_it(subject: &Subject) -> Law {
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("m"), Read::Serializable).await?;
    reader.mutate(set(subject.key("other"), "x"));
    subject.write([Mutation::ClearRange { range: subject.keys("a", "z") }]).await?;
    assert_eq!(failed(reader.commit().await), Lost);
    Ok(())
}

/// Nothing has to be fetched to depend on it.
pub async fn an_explicit_read_conflict_is_a_read(subject: &Subject) -> Law {
    for (key, conflicts) in [("m", true), ("z", false)] {
        let reader = subject.begin().await?;
        reader.read_version().await?;
        reader.conflict(subject.keys("a", "z"), Conflict::Read);
        reader.mutate(set(subject.key("other"), "x"));
        subject.set(key, "new").await?;
        let answer = reader.commit().await;
        assert_eq!(answer.err().map(|error| error.kind()), conflicts.then_some(Lost), "{key}");
    }
    Ok(())
}

/// A transaction with a write conflict and no mutation commits as a write does.
pub async fn an_explicit_write_conflict_is_a_write(subject: &Subject) -> Law {
    subject.set("k", "old").await?;
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Serializable).await?;
    reader.mutate(set(subject.key("other"), "x"));
    let marker = subject.begin().await?;
    marker.conflict(KeyRange::single(&subject.key("k")), Conflict::Write);
    let marked = marker.commit().await?;
    assert!(marked.version > reader.read_version().await?);
    assert_eq!(failed(reader.commit().await), Lost);
    assert_eq!(subject.value("k").await?.as_deref(), Some(&b"old"[..]));
    Ok(())
}

/// The last commit wins.
pub async fn blind_writes_do_not_conflict(subject: &Subject) -> Law {
    let (first, second) = (subject.begin().await?, subject.begin().await?);
    first.mutate(set(subject.key("k"), "first"));
    second.mutate(set(subject.key("k"), "second"));
    let (second, first) = (second.commit().await?, first.commit().await?);
    assert!(first.version > second.version || first.stamp > second.stamp);
    assert_eq!(subject.value("k").await?.as_deref(), Some(&b"first"[..]));
    Ok(())
}

/// It saw one version: there is nothing to check.
pub async fn a_transaction_that_only_reads_commits_always(subject: &Subject) -> Law {
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Serializable).await?;
    let read = reader.read_version().await?;
    subject.set("k", "new").await?;
    let commit = reader.commit().await?;
    assert_eq!((commit.version, commit.stamp.0), (read, [0; 10]));
    Ok(())
}

/// None of its writes, not even those of keys that nobody touched.
pub async fn a_transaction_that_conflicted_wrote_nothing(subject: &Subject) -> Law {
    let loser = subject.begin().await?;
    get(&*loser, &subject.key("k"), Read::Serializable).await?;
    loser.mutate(set(subject.key("a"), "loser"));
    loser.mutate(Mutation::Add { key: subject.key("b"), delta: 1 });
    loser.mutate(Mutation::BumpCatalog);
    let before = subject.begin().await?.catalog_version().await?;
    subject.set("k", "new").await?;
    assert_eq!(failed(loser.commit().await), Lost);
    assert_eq!((subject.value("a").await?, subject.value("b").await?), (None, None));
    assert_eq!(subject.begin().await?.catalog_version().await?, before);
    Ok(())
}

/// Two that each read what the other writes: one runs again.
pub async fn no_write_skew(subject: &Subject) -> Law {
    let (first, second) = (subject.begin().await?, subject.begin().await?);
    get(&*first, &subject.key("a"), Read::Serializable).await?;
    get(&*second, &subject.key("b"), Read::Serializable).await?;
    first.mutate(set(subject.key("b"), "x"));
    second.mutate(set(subject.key("a"), "x"));
    let (first, second) = futures::join!(first.commit(), second.commit());
    let lost = [first, second].into_iter().filter_map(Result::err).map(|error| error.kind());
    assert_eq!(lost.collect::<Vec<KvErrorKind>>(), [Lost]);
    Ok(())
}

/// Read, add one, write: 64 at once, each until it is done.
pub async fn no_update_is_lost_between_64_racers(subject: &Subject) -> Law {
    let racers = (0..64).map(|_| async {
        loop {
            let transaction = subject.begin().await?;
            let count = get(&*transaction, &subject.key("k"), Read::Serializable).await?;
            let count = count.and_then(|bytes| bytes.first().copied()).unwrap_or(0);
            transaction.mutate(set(subject.key("k"), vec![count + 1]));
            tokio::task::yield_now().await;
            match transaction.commit().await {
                Err(error) if error.kind() == Lost => {}
                answer => return answer,
            }
        }
    });
    try_join_all(racers).await?;
    assert_eq!(subject.value("k").await?.as_deref(), Some(&[64_u8][..]));
    Ok(())
}
