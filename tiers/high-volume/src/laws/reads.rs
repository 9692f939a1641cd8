//! What a read sees and in which order.

use bytes::Bytes;

use super::{Law, Subject, get, range, set};
use crate::mutation::Mutation;
use crate::range::{Key, KeyRange, RangeOptions, Read, strinc};

/// Later commits are invisible: values, new keys and clears, in point reads and ranges.
pub async fn a_transaction_reads_at_one_version(subject: &Subject) -> Law {
    subject.write(["a", "b", "c"].map(|name| set(subject.key(name), "old"))).await?;
    let reader = subject.begin().await?;
    let version = reader.read_version().await?;
    for turn in 0..3 {
        let [a, b] = ["a", "b"].map(|name| subject.key(name));
        subject.write([set(a, format!("new {turn}")), Mutation::Clear { key: b }]).await?;
        subject.set("aa", "new").await?;
        let values = reader.get_many(&["a", "aa", "b"].map(|name| subject.key(name)), Read::Snapshot).await?;
        assert_eq!(values, [Some(Bytes::from_static(b"old")), None, Some(Bytes::from_static(b"old"))]);
        let rows = range(&*reader, subject.all(), 10, Read::Snapshot).await?.rows;
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|(_, value)| value == "old"));
    }
    assert_eq!(reader.read_version().await?, version);
    Ok(())
}

/// Writes are collected and sent with the commit.
pub async fn a_transaction_does_not_see_its_own_writes(subject: &Subject) -> Law {
    subject.set("a", "old").await?;
    let writer = subject.begin().await?;
    writer.mutate(set(subject.key("a"), "new"));
    writer.mutate(set(subject.key("b"), "new"));
    writer.mutate(Mutation::BumpCatalog);
    assert_eq!(get(&*writer, &subject.key("a"), Read::Serializable).await?.as_deref(), Some(&b"old"[..]));
    assert_eq!(range(&*writer, subject.all(), 10, Read::Serializable).await?.rows.len(), 1);
    writer.commit().await?;
    assert_eq!(subject.value("b").await?.as_deref(), Some(&b"new"[..]));
    Ok(())
}

/// Absent ones and repeated ones too.
pub async fn answers_stand_in_the_order_of_the_keys(subject: &Subject) -> Law {
    subject
        .write([set(subject.key("a"), "1"), set(subject.key("b"), "2"), set(subject.key("c"), "")])
        .await?;
    let keys = ["b", "x", "a", "b", "c"].map(|name| subject.key(name));
    let reader = subject.begin().await?;
    let values = reader.get_many(&keys, Read::Snapshot).await?;
    let text = |value: &'static str| Some(Bytes::from_static(value.as_bytes()));
    assert_eq!(values, [text("2"), None, text("1"), text("2"), text("")]);
    assert_eq!(reader.get_many(&[], Read::Snapshot).await?, []);
    Ok(())
}

/// NUL, 0xFF and prefixes of one another are keys like any other.
pub async fn keys_are_bytes_and_sort_as_bytes(subject: &Subject) -> Law {
    let names: [&[u8]; 8] = [b"\0", b"\0\0", b"\0\xFF", b"a", b"a\0", b"a\0\xFF", b"a\xFF\xFF", b"\xFE\xFF"];
    let keys: Vec<Key> = names.iter().map(|name| subject.key(name)).collect();
    subject.write(keys.iter().rev().map(|key| set(key.clone(), key.clone()))).await?;
    let rows = range(&*subject.begin().await?, subject.all(), 100, Read::Snapshot).await?.rows;
    assert_eq!(rows, keys.iter().map(|key| (key.clone(), key.clone())).collect::<Vec<_>>());
    Ok(())
}

async fn fill(subject: &Subject, count: usize) -> Result<Vec<Key>, crate::KvError> {
    let keys: Vec<Key> = (0..count).map(|row| subject.key(format!("{row:05}"))).collect();
    subject.write(keys.iter().map(|key| set(key.clone(), key.clone()))).await?;
    Ok(keys)
}

/// Forwards from the begin, in reverse from the end.
pub async fn a_range_gives_its_first_or_last_rows_in_order(subject: &Subject) -> Law {
    let keys = fill(subject, 20).await?;
    let reader = subject.begin().await?;
    for reverse in [false, true] {
        let inside = subject.keys("00005", "00015");
        let page = reader.range(inside, RangeOptions { limit: 4, reverse, read: Read::Snapshot }).await?;
        let got: Vec<Key> = page.rows.into_iter().map(|(key, _)| key).collect();
        let expected = if reverse {
            keys[11..15].iter().rev().cloned().collect::<Vec<_>>()
        } else {
            keys[5..9].to_vec()
        };
        assert_eq!((got, page.more), (expected, true));
    }
    Ok(())
}

/// A page that is full does not look behind itself; one that is not ends the range.
pub async fn more_says_whether_rows_may_follow(subject: &Subject) -> Law {
    fill(subject, 5).await?;
    let reader = subject.begin().await?;
    for (limit, more) in [(4, true), (5, true), (6, false)] {
        for reverse in [false, true] {
            let options = RangeOptions { limit, reverse, read: Read::Snapshot };
            assert_eq!(reader.range(subject.all(), options).await?.more, more, "{limit} {reverse}");
        }
    }
    Ok(())
}

/// Nothing there, or nothing that could be there.
pub async fn a_range_without_keys_is_empty(subject: &Subject) -> Law {
    fill(subject, 3).await?;
    let reader = subject.begin().await?;
    for empty in [subject.keys("5", "6"), subject.keys("00001", "00001"), subject.keys("00002", "00001")] {
        let page = range(&*reader, empty, 10, Read::Serializable).await?;
        assert_eq!((page.rows.len(), page.more), (0, false));
    }
    Ok(())
}

/// Pages, jumps over what a prefix holds, and many keys at once.
pub async fn a_large_range_and_many_keys_come_back_whole(subject: &Subject) -> Law {
    let keys = fill(subject, 3_000).await?;
    let reader = subject.begin().await?;
    let mut rest = subject.all();
    let mut found = Vec::new();
    loop {
        let page = range(&*reader, rest.clone(), 999, Read::Snapshot).await?;
        found.extend(page.rows.into_iter().map(|(key, _)| key));
        match found.last() {
            Some(last) if page.more => rest.begin = crate::range::after(last),
            _ => break,
        }
    }
    assert_eq!(found, keys);
    let values = reader.get_many(&keys, Read::Serializable).await?;
    assert!(values.iter().zip(&keys).all(|(value, key)| value.as_ref() == Some(key)));
    let (mut jumps, mut rest) = (0, subject.all());
    while let Some((first, _)) = range(&*reader, rest.clone(), 1, Read::Snapshot).await?.rows.pop() {
        jumps += 1;
        // Hundreds: all but the last two digits.
        rest = KeyRange::new(strinc(&first[..first.len() - 2]).unwrap_or_default(), rest.end);
    }
    assert_eq!(jumps, 30);
    Ok(())
}
