//! The limits of FoundationDB, on every engine.

use std::time::Duration;

use bytes::Bytes;

use super::{Law, Subject, failed, get, range, set};
use crate::error::KvErrorKind::{Bug, TooLarge, TooOld};
use crate::mutation::Mutation;
use crate::range::Read;

/// 10,000 is fine, 10,001 is not, in every mutation and in a read.
pub async fn a_key_has_at_most_10_000_bytes(subject: &Subject) -> Law {
    let room = 10_000 - subject.prefix.len();
    let (fits, long) = (subject.key(vec![b'k'; room]), subject.key(vec![b'k'; room + 1]));
    subject.write([set(fits.clone(), "x")]).await?;
    assert!(get(&*subject.begin().await?, &fits, Read::Snapshot).await?.is_some());
    let value = Bytes::from_static(&[0; 10]);
    for mutation in [
        set(long.clone(), "x"),
        Mutation::Clear { key: long.clone() },
        Mutation::Add { key: long.clone(), delta: 1 },
        Mutation::SetStampedKey { key: long.clone(), offset: 100, value: value.clone() },
        Mutation::SetStampedValue { key: long.clone(), value, offset: 0 },
    ] {
        assert_eq!(failed(subject.write([mutation]).await), TooLarge);
    }
    assert_eq!(failed(get(&*subject.begin().await?, &long, Read::Snapshot).await), TooLarge);
    Ok(())
}

/// 100,000 is fine, 100,001 is not.
pub async fn a_value_has_at_most_100_000_bytes(subject: &Subject) -> Law {
    subject.write([set(subject.key("k"), vec![1; 100_000])]).await?;
    assert_eq!(subject.value("k").await?.map(|value| value.len()), Some(100_000));
    let long = Bytes::from(vec![1; 100_001]);
    assert_eq!(failed(subject.write([set(subject.key("k"), long.clone())]).await), TooLarge);
    let stamped = Mutation::SetStampedValue { key: subject.key("k"), value: long, offset: 0 };
    assert_eq!(failed(subject.write([stamped]).await), TooLarge);
    Ok(())
}

/// Just below is fine, just above is not, and nothing of it is there.
pub async fn a_transaction_has_at_most_10_000_000_bytes(subject: &Subject) -> Law {
    let rows = |count: usize| {
        (0..count).map(|row| set(subject.key(format!("{row:03}")), vec![1; 99_000])).collect::<Vec<_>>()
    };
    subject.write(rows(100)).await?;
    subject.write([Mutation::ClearRange { range: subject.all() }]).await?;
    assert_eq!(failed(subject.write(rows(102)).await), TooLarge);
    assert!(range(&*subject.begin().await?, subject.all(), 1, Read::Snapshot).await?.rows.is_empty());
    Ok(())
}

/// Reads at a version that is older fail.
pub async fn a_read_version_can_be_read_for_5_s(subject: &Subject) -> Law {
    let reader = subject.begin().await?;
    get(&*reader, &subject.key("k"), Read::Snapshot).await?;
    (subject.pass)(Duration::from_secs(2)).await;
    get(&*reader, &subject.key("k"), Read::Snapshot).await?;
    (subject.pass)(Duration::from_secs(6)).await;
    subject.set("other", "x").await?;
    assert_eq!(failed(get(&*reader, &subject.key("k"), Read::Snapshot).await), TooOld);
    assert_eq!(failed(range(&*reader, subject.all(), 1, Read::Snapshot).await), TooOld);
    Ok(())
}

/// A commit that depends on an older read fails.
pub async fn a_read_version_can_be_committed_from_for_5_s(subject: &Subject) -> Law {
    let writer = subject.begin().await?;
    get(&*writer, &subject.key("k"), Read::Serializable).await?;
    writer.mutate(set(subject.key("k"), "x"));
    (subject.pass)(Duration::from_secs(8)).await;
    subject.set("other", "x").await?;
    assert_eq!(failed(writer.commit().await), TooOld);
    assert_eq!(subject.value("k").await?, None);
    Ok(())
}

/// It depends on nothing that could be old.
pub async fn a_transaction_without_reads_is_never_too_old(subject: &Subject) -> Law {
    let writer = subject.begin().await?;
    writer.mutate(set(subject.key("k"), "x"));
    (subject.pass)(Duration::from_secs(8)).await;
    subject.set("other", "x").await?;
    writer.commit().await?;
    assert!(subject.value("k").await?.is_some());
    Ok(())
}

/// Ten bytes from the offset on, in key and value.
pub async fn a_stamp_needs_room(subject: &Subject) -> Law {
    let (key, value) = (subject.key("123456789"), Bytes::from_static(b"123456789"));
    for offset in [subject.prefix.len(), usize::MAX] {
        let stamped = Mutation::SetStampedKey { key: key.clone(), offset, value: value.clone() };
        assert_eq!(failed(subject.write([stamped]).await), Bug);
    }
    for offset in [0, usize::MAX] {
        let stamped = Mutation::SetStampedValue { key: key.clone(), value: value.clone(), offset };
        assert_eq!(failed(subject.write([stamped]).await), Bug);
    }
    Ok(())
}

/// No rows is not a read.
pub async fn a_range_read_needs_a_limit(subject: &Subject) -> Law {
    assert_eq!(failed(range(&*subject.begin().await?, subject.all(), 0, Read::Snapshot).await), Bug);
    Ok(())
}
