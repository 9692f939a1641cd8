//! Both tiers at one moment, put in order.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::oracle::decode::{self, Head, Part, Place, Row, Waste};

/// What a blob is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Ticket,
    Part,
    Body,
    Queued,
}

type Rev = [u8; 16];

/// All rows, by what they are.
#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeSet<u64>,
    pub(super) objects: BTreeMap<(u64, Vec<u8>), Head>,
    /// Bytes of each chunk.
    pub(super) inline: BTreeMap<Rev, Vec<u64>>,
    pub(super) extensions: BTreeSet<(u64, Vec<u8>, u64)>,
    /// Parts with where they begin and end.
    pub(super) manifests: BTreeMap<Rev, Vec<(u64, Part)>>,
    pub(super) parts: Vec<(Rev, Part)>,
    pub(super) uploads: BTreeMap<Rev, u64>,
    pub(super) finished: BTreeSet<Rev>,
    pub(super) tickets: Vec<([u8; 8], Rev, bool, bool)>,
    pub(super) waste: Vec<Waste>,
    pub(super) counters: BTreeMap<(u64, u8), i64>,
    /// Blobs with their bytes.
    pub(super) blobs: BTreeMap<Rev, Bytes>,
}

impl State {
    /// Puts rows in order. `Err`: one that nobody can read.
    pub(super) fn of(rows: &[(Bytes, Bytes)], blobs: BTreeMap<Rev, Bytes>) -> Result<Self, String> {
        let mut state = Self { blobs, ..Self::default() };
        for (key, value) in rows {
            let unreadable = || format!("{} = {}", key.escape_ascii(), value.escape_ascii());
            state.add(decode::row(key, value).ok_or_else(unreadable)?);
        }
        Ok(state)
    }

    fn add(&mut self, row: Row) {
        match row {
            Row::Bucket { bid } => {
                self.buckets.insert(bid);
            }
            Row::Object { bid, key, head } => {
                self.objects.insert((bid, key), head);
            }
            Row::Inline { rev, chunk: _, size } => self.inline.entry(rev).or_default().push(size),
            Row::Extension { bid, key, vseq } => {
                self.extensions.insert((bid, key, vseq));
            }
            Row::Manifest { rev, begin, parts } => {
                let spans = self.manifests.entry(rev).or_default();
                let mut begin = begin;
                for part in parts {
                    let end = part.size;
                    spans.push((begin, part));
                    begin = end;
                }
            }
            Row::Part { upload, part } => self.parts.push((upload, part)),
            Row::Upload { bid, key: _, upload } => {
                self.uploads.insert(upload, bid);
            }
            Row::Finished { upload } => {
                self.finished.insert(upload);
            }
            Row::Ticket { node, rev, open, has_blob } => self.tickets.push((node, rev, open, has_blob)),
            Row::Garbage(waste) => self.waste.push(waste),
            Row::Counter { bid, field, value } => {
                self.counters.insert((bid, field), value);
            }
            Row::Singleton => {}
        }
    }

    /// Every body that rows name: where it is, of how many bytes (if that is known), and what it is.
    pub(super) fn claims(&self) -> Vec<(Rev, Place, Option<u64>, Class)> {
        let mut claims = Vec::new();
        for (_, rev, open, has_blob) in &self.tickets {
            if *open && *has_blob {
                claims.push((*rev, Place::Blob, None, Class::Ticket));
            }
        }
        let wasted: BTreeSet<Rev> = self.wasted(|waste| match waste {
            Waste::Upload(upload) => Some(*upload),
            _ => None,
        });
        for (upload, part) in &self.parts {
            let class = if wasted.contains(upload) { Class::Queued } else { Class::Part };
            claims.push((part.rev, part.place, Some(part.size), class));
        }
        for head in self.objects.values() {
            match head.place {
                Place::Manifest => self.claim_manifest(&mut claims, head.body_rev, Class::Body),
                place => claims.push((head.body_rev, place, Some(head.size), Class::Body)),
            }
        }
        for waste in &self.waste {
            match waste {
                Waste::Blob(rev) => claims.push((*rev, Place::Blob, None, Class::Queued)),
                Waste::Inline(rev) => claims.push((*rev, Place::Inline, None, Class::Queued)),
                Waste::Manifest(rev) => self.claim_manifest(&mut claims, *rev, Class::Queued),
                Waste::Upload(_) | Waste::BucketUploads(_) | Waste::Finished(_) => {}
            }
        }
        claims
    }

    fn claim_manifest(&self, claims: &mut Vec<(Rev, Place, Option<u64>, Class)>, rev: Rev, class: Class) {
        for (begin, part) in self.manifests.get(&rev).into_iter().flatten() {
            claims.push((part.rev, part.place, Some(part.size - begin), class));
        }
    }

    pub(super) fn wasted<T: Ord>(&self, select: impl Fn(&Waste) -> Option<T>) -> BTreeSet<T> {
        self.waste.iter().filter_map(select).collect()
    }
}
