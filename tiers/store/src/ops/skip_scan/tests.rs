use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Mutex;

use futures::FutureExt;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::name::{ObjectKey, Revision, UploadId};
use crate::ops::multipart::list_uploads::{ListedUpload, Uploads};
use crate::ops::object::list::{ListedObject, Objects};
use crate::rows;

const BUCKET: BucketId = BucketId(7);

/// Rows in memory; says `more` as an engine may, and counts.
struct Model {
    rows: BTreeMap<Key, Bytes>,
    reads: Mutex<Vec<usize>>,
}

impl Source for Model {
    type Error = Damaged;

    async fn rows(&self, range: KeyRange, limit: usize) -> Result<Page, Damaged> {
        assert!(limit > 0, "a range read of no row");
        let bounds = (Bound::Included(range.begin), Bound::Excluded(range.end));
        let mut found = self.rows.range::<Key, _>(bounds);
        let rows: Vec<_> = found.by_ref().take(limit).map(|(k, v)| (k.clone(), v.clone())).collect();
        self.reads.lock().unwrap().push(rows.len());
        Ok(Page { rows, more: found.next().is_some() })
    }
}

fn model(rows: BTreeMap<Key, Bytes>) -> Model {
    Model { rows, reads: Mutex::default() }
}

fn objects<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Model {
    let rev = Revision([4; 16]);
    let head = rows::head::Head {
        rev,
        vseq: 1,
        body: rows::head::BodyAt::Empty,
        body_rev: rev,
        size: 0,
        modified_ms: 5,
        parts: 1,
        storage_class: None,
        checksum: None,
        md5: None,
        metadata: None,
    };
    let row = |key: K| (rows::object::from(BUCKET, key.as_ref()), head.encode());
    model(keys.into_iter().map(row).collect())
}

/// What a listing shows: a key, told apart by upload id, or a common prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Item(Bytes, Option<UploadId>),
    Prefix(Bytes),
}

trait Shown: Named {
    fn entry(item: Self::Item) -> (Bytes, Option<UploadId>);
}

impl Shown for Objects {
    fn entry(item: ListedObject) -> (Bytes, Option<UploadId>) {
        (item.key, None)
    }
}

impl Shown for Uploads {
    fn entry(item: ListedUpload) -> (Bytes, Option<UploadId>) {
        (item.key, Some(item.upload))
    }
}

#[derive(Clone, Debug)]
struct Query {
    prefix: Vec<u8>,
    delimiter: Vec<u8>,
    after: Vec<u8>,
}

impl Query {
    fn scan(&self, limit: usize) -> Scan<'_> {
        Scan { bucket: BUCKET, prefix: &self.prefix, delimiter: &self.delimiter, limit }
    }

    /// The listing as S3 defines it, straight from the sorted keys.
    fn expected(&self, keys: &BTreeSet<(Vec<u8>, Option<UploadId>)>) -> Vec<Entry> {
        let fold = |key: &[u8]| {
            let rest = key.strip_prefix(&self.prefix[..])?;
            let width = self.delimiter.len();
            let at = (0..rest.len()).find(|at| width > 0 && rest[*at..].starts_with(&self.delimiter))?;
            Some(key[..self.prefix.len() + at + width].to_vec())
        };
        let passed = fold(&self.after).filter(|common| *common == self.after);
        let mut entries = Vec::new();
        for (key, upload) in keys {
            let behind = *key > self.after && passed.as_ref().is_none_or(|common| !key.starts_with(common));
            if !key.starts_with(&self.prefix) || !(behind || self.after.is_empty()) {
                continue;
            }
            let entry = match fold(key) {
                Some(common) => Entry::Prefix(common.into()),
                None => Entry::Item(key.clone().into(), *upload),
            };
            if entries.last() != Some(&entry) {
                entries.push(entry);
            }
        }
        entries
    }
}

fn run<N: Named>(model: &Model, scan: Scan<'_>, begin: Key) -> Scanned<N::Item> {
    scan.page::<N, _>(model, begin).now_or_never().expect("a model answers at once").unwrap()
}

/// All pages of a listing, one after the other.
fn all_pages<N: Shown>(model: &Model, query: &Query, limit: usize) -> Vec<Entry> {
    let scan = query.scan(limit);
    let mut begin = scan.behind::<N>(&query.after);
    let mut all = Vec::new();
    loop {
        let page = run::<N>(model, scan, begin);
        let items: Vec<_> = page.items.into_iter().map(N::entry).collect();
        assert!(items.len() + page.prefixes.len() <= limit, "a page within its limit");
        assert!(!page.more || items.len() + page.prefixes.len() == limit, "a full page, or the last");
        let (item, prefix) = (items.last().cloned(), page.prefixes.last().cloned());
        let mut entries: Vec<_> = items.into_iter().map(|(key, id)| Entry::Item(key, id)).collect();
        entries.extend(page.prefixes.into_iter().map(Entry::Prefix));
        entries.sort_by_key(|entry| match entry {
            Entry::Item(key, id) => (key.clone(), *id),
            Entry::Prefix(common) => (common.clone(), None),
        });
        all.extend(entries);
        if !page.more {
            return all;
        }
        begin = match (item, prefix) {
            (Some((key, Some(id))), prefix) if prefix.as_ref().is_none_or(|common| *common < key) => {
                rows::upload::behind_upload(BUCKET, &key, id)
            }
            (item, prefix) => scan.behind::<N>(&item.map(|(key, _)| key).max(prefix).unwrap()),
        };
    }
}

fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0_u8, 1, b'/', b'/', b'a', 0xFF]), length)
}

fn query() -> impl Strategy<Value = Query> {
    let delimiter = prop_oneof![
        Just(b"".to_vec()),
        Just(b"/".to_vec()),
        Just(b"//".to_vec()),
        Just(vec![0]),
        Just(vec![0xFF]),
        text(1..3),
    ];
    (text(0..3), delimiter, text(0..5)).prop_map(|(prefix, delimiter, after)| Query {
        prefix,
        delimiter,
        after,
    })
}

proptest! {
    #[test]
    fn every_page_of_every_limit_together_is_the_listing(
        keys in btree_set(text(1..7), 0..60), query in query(), limit in 1_usize..12,
    ) {
        let model = objects(&keys);
        let keys: BTreeSet<_> = keys.into_iter().map(|key| (key, None)).collect();
        let expected = query.expected(&keys);
        prop_assert_eq!(all_pages::<Objects>(&model, &query, limit), expected.clone());
        prop_assert_eq!(all_pages::<Objects>(&model, &query, PAGE), expected);
    }

    #[test]
    fn every_page_of_every_limit_together_is_the_listing_of_uploads(
        keys in btree_set((text(1..5), 0_u8..3), 0..40), query in query(), limit in 1_usize..12,
    ) {
        let id = |n: u8| UploadId(Revision([n; 16]));
        let doc = rows::upload::UploadDoc {
            initiated_ms: 1,
            metadata: Default::default(),
            storage_class: None,
            checksum: None,
        };
        let row = |(key, n): &(Vec<u8>, u8)| {
            (rows::upload::key(BUCKET, &ObjectKey::new(key.clone()).unwrap(), id(*n)), doc.encode())
        };
        let model = model(keys.iter().map(row).collect());
        let keys: BTreeSet<_> = keys.into_iter().map(|(key, n)| (key, Some(id(n)))).collect();
        prop_assert_eq!(all_pages::<Uploads>(&model, &query, limit), query.expected(&keys));
    }
}

fn reads(model: &Model) -> (usize, usize) {
    let reads = model.reads.lock().unwrap();
    (reads.len(), reads.iter().sum())
}

fn whole(delimiter: &'static [u8], limit: usize) -> Scan<'static> {
    Scan { bucket: BUCKET, prefix: b"", delimiter, limit }
}

fn first_page(model: &Model, scan: Scan<'_>) -> Scanned<ListedObject> {
    run::<Objects>(model, scan, scan.behind::<Objects>(b""))
}

#[test]
fn a_page_without_a_delimiter_is_one_read_of_one_row_more() {
    let model = objects((0..5_000).map(|n| format!("{n:05}")));
    let page = first_page(&model, whole(b"", PAGE));
    assert_eq!((page.items.len(), page.more), (1_000, true));
    assert_eq!(reads(&model), (1, 1_001));
}

#[test]
fn a_limit_of_0_reads_nothing() {
    let model = objects(["a", "b"]);
    let page = first_page(&model, whole(b"/", 0));
    assert!(page.items.is_empty() && page.prefixes.is_empty() && !page.more);
    assert_eq!(reads(&model), (0, 0));
}

#[test]
fn large_folders_cost_one_short_read_each() {
    let model = objects((0..100).flat_map(|d| (0..100).map(move |n| format!("{d:02}/{n:03}"))));
    let page = first_page(&model, whole(b"/", PAGE));
    assert_eq!((page.prefixes.len(), page.items.len(), page.more), (100, 0, false));
    let (reads, rows) = reads(&model);
    assert!(reads <= 101 && rows <= 16 + 110, "{reads} reads of {rows} rows");
}

#[test]
fn plain_keys_and_small_folders_are_read_in_growing_windows() {
    let model = objects((0..1_000).map(|n| format!("{n:05}")));
    assert_eq!(first_page(&model, whole(b"/", PAGE)).items.len(), 1_000);
    assert!(reads(&model).0 <= 5, "{:?}", reads(&model));
    let model = objects((0..500).map(|n| format!("{n:05}/only")));
    assert_eq!(first_page(&model, whole(b"/", PAGE)).prefixes.len(), 500);
    assert!(reads(&model).0 <= 5, "{:?}", reads(&model));
}

#[test]
fn a_row_that_does_not_decode_ends_the_listing() {
    let mut model = objects(["a"]);
    model.rows.insert(rows::object::from(BUCKET, b"b"), Bytes::from_static(b"\xFF"));
    let scan = whole(b"", PAGE);
    let outcome = scan.page::<Objects, _>(&model, scan.behind::<Objects>(b"")).now_or_never().unwrap();
    assert_eq!(outcome.unwrap_err(), Damaged { family: Family::Object });
}
