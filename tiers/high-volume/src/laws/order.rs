//! One order of all commits, which is also the order of real time.

use futures::future::try_join_all;

use super::{Law, Subject, get, set};
use crate::mutation::Mutation;
use crate::range::Read;

/// Strict serializability: an answered commit is in the past of every transaction that begins later.
pub async fn a_commit_is_seen_by_whoever_begins_after_it(subject: &Subject) -> Law {
    for turn in 0..50_u8 {
        let commit = subject.write([set(subject.key("k"), vec![turn])]).await?;
        let reader = subject.begin().await?;
        assert_eq!(get(&*reader, &subject.key("k"), Read::Snapshot).await?.as_deref(), Some(&[turn][..]));
        assert!(reader.read_version().await? >= commit.version);
    }
    Ok(())
}

/// Never equal for commits one after the other, never falling for readers.
pub async fn read_versions_and_commit_versions_rise(subject: &Subject) -> Law {
    let (mut read, mut committed) = (subject.begin().await?.read_version().await?, Default::default());
    for _ in 0..50 {
        let commit = subject.set("k", "x").await?.version;
        assert!(commit > committed && commit > read);
        let now = subject.begin().await?.read_version().await?;
        assert!(now >= read && now >= commit);
        (read, committed) = (now, commit);
    }
    Ok(())
}

/// Each writer appends to a log in a value; every reader finds a prefix of the final log.
pub async fn racing_writers_and_readers_agree_on_one_order(subject: &Subject) -> Law {
    let append = |writer: u8| async move {
        loop {
            let transaction = subject.begin().await?;
            let log = get(&*transaction, &subject.key("log"), Read::Serializable).await?.unwrap_or_default();
            transaction.mutate(set(subject.key("log"), [&log[..], &[writer]].concat()));
            transaction.mutate(Mutation::Add { key: subject.key("n"), delta: 1 });
            match transaction.commit().await {
                Err(error) if error.kind() == crate::KvErrorKind::Conflict => {}
                answer => return answer,
            }
        }
    };
    let look = || async {
        tokio::task::yield_now().await;
        let reader = subject.begin().await?;
        let keys = [subject.key("log"), subject.key("n")];
        let seen = reader.get_many(&keys, Read::Snapshot).await?;
        Ok::<_, crate::KvError>((reader.read_version().await?, seen))
    };
    let writers = try_join_all((0..24).map(append));
    let readers = try_join_all((0..24).map(|_| look()));
    let (writers, readers) = futures::join!(writers, readers);
    writers?;
    let (mut seen, last) = (readers?, look().await?);
    seen.push(last.clone());
    seen.sort_by_key(|(version, _)| *version);
    let log = last.1.into_iter().next().flatten().unwrap_or_default();
    assert_eq!(log.len(), 24);
    let mut longest = 0;
    for (_, values) in seen {
        let [Some(prefix), Some(count)] = &values[..] else { continue };
        assert!(log.starts_with(prefix) && prefix.len() >= longest);
        assert_eq!(count.first().map(|count| usize::from(*count)), Some(prefix.len()));
        longest = prefix.len();
    }
    Ok(())
}
