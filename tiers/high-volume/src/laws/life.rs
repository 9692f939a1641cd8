//! Begin, drop, close.

use super::{Law, Subject, failed, get, range, set};
use crate::error::KvErrorKind::Unavailable;
use crate::range::Read;

/// Without a commit there was no transaction.
pub async fn a_dropped_transaction_does_nothing(subject: &Subject) -> Law {
    let transaction = subject.begin().await?;
    get(&*transaction, &subject.key("k"), Read::Serializable).await?;
    transaction.mutate(set(subject.key("k"), "x"));
    drop(transaction);
    assert_eq!(subject.value("k").await?, None);
    Ok(())
}

/// What began before and what begins now, reads and commits.
pub async fn a_closed_store_is_unavailable(subject: &Subject) -> Law {
    let (unread, reader, writer) = (subject.begin().await?, subject.begin().await?, subject.begin().await?);
    get(&*reader, &subject.key("k"), Read::Serializable).await?;
    writer.mutate(set(subject.key("k"), "x"));
    subject.kv.close().await?;
    assert_eq!(failed(subject.begin().await.map(|_| ())), Unavailable);
    assert_eq!(failed(unread.read_version().await), Unavailable);
    assert_eq!(failed(get(&*reader, &subject.key("k"), Read::Snapshot).await), Unavailable);
    assert_eq!(failed(range(&*reader, subject.all(), 1, Read::Snapshot).await), Unavailable);
    assert_eq!(failed(reader.catalog_version().await), Unavailable);
    assert_eq!(failed(writer.commit().await), Unavailable);
    Ok(())
}

/// The second call has nothing to do.
pub async fn closing_twice_is_fine(subject: &Subject) -> Law {
    subject.set("k", "x").await?;
    subject.kv.close().await?;
    subject.kv.close().await
}
