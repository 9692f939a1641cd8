//! Every blob that a row names, in the order in which blobs move.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use terrace_high_volume::{Key, KeyRange, Read, Transaction, after};
use terrace_long_term::BlobKey;
use terrace_runtime::planted::{Bug, is_planted};

use crate::error::Result;
use crate::fsck::Class;
use crate::name::{BucketId, Revision, UploadId};
use crate::rows;
use crate::rows::garbage::{Class as Queue, Garbage, Waste};
use crate::rows::head::{BodyAt, Head};
use crate::rows::manifest::Page;
use crate::rows::part::{PartAt, PartRow};
use crate::rows::ticket::{Kind, State, Ticket};
use crate::store::Store;
use crate::transact::{Reading, Stop, first};

/// Who names a blob.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) blob: BlobKey,
    pub(crate) classes: Vec<Class>,
    /// Bytes as recorded, where they are.
    pub(crate) size: Option<u64>,
}

/// All blobs that rows name, by revision; or those among `wanted`.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) claims: BTreeMap<[u8; 16], Claim>,
    wanted: Option<HashSet<[u8; 16]>>,
}

impl Named {
    /// Keeps nothing but what is named of `wanted`.
    pub(crate) fn among(wanted: HashSet<[u8; 16]>) -> Self {
        Self { claims: BTreeMap::new(), wanted: Some(wanted) }
    }

    fn add(&mut self, class: Class, blob: BlobKey, size: Option<u64>) {
        if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&blob.rev)) {
            return;
        }
        let claim = self.claims.entry(blob.rev).or_insert_with(|| Claim {
            blob,
            classes: Vec::with_capacity(1),
            size: None,
        });
        claim.size = size.or(claim.size);
        if !claim.classes.contains(&class) {
            claim.classes.push(class);
        }
    }
}

/// Rows read in one transaction.
const AT_ONCE: usize = 1_000;

type Rows = Vec<(Key, Bytes)>;

impl Store {
    /// Scans tickets, parts, records, queue: in this order.
    pub(crate) async fn scan(&self) -> Result<Named> {
        let mut named = Named::default();
        self.scan_tickets(&mut named).await?;
        if !is_planted(Bug::FsckWithoutParts) {
            self.scan_uploads(&mut named, rows::upload::all()).await?;
        }
        self.scan_records(&mut named, rows::object::all()).await?;
        self.scan_queue(&mut named).await?;
        Ok(named)
    }

    /// Whose tickets are open.
    pub(crate) async fn scan_tickets(&self, named: &mut Named) -> Result<()> {
        let mut scan = Pages::over(rows::ticket::range());
        while let Some(rows) = self.next_page(&mut scan).await? {
            for (row, value) in rows {
                let ticket = self.sound(Ticket::decode(&value))?;
                let damaged = rows::Damaged { family: rows::Family::Ticket };
                let (_, rev) = self.sound(rows::ticket::parse(&row).ok_or(damaged))?;
                if ticket.state == State::Open && ticket.kind != Kind::Operation {
                    named.add(
                        Class::Ticket,
                        BlobKey { bid: ticket.bid.0, key: ticket.key, rev: rev.0 },
                        None,
                    );
                }
            }
        }
        Ok(())
    }

    /// Parts of the uploads of a range of rows.
    pub(crate) async fn scan_uploads(&self, named: &mut Named, uploads: KeyRange) -> Result<()> {
        let mut scan = Pages::over(uploads);
        while let Some(rows) = self.next_page(&mut scan).await? {
            for (row, _) in rows {
                let damaged = rows::Damaged { family: rows::Family::Upload };
                let bid = self.sound(rows::upload::bucket(&row).ok_or(damaged))?;
                let (key, upload) = self.sound(rows::upload::parse(&row).ok_or(damaged))?;
                self.scan_parts(named, bid, &key, upload).await?;
            }
        }
        Ok(())
    }

    async fn scan_parts(
        &self,
        named: &mut Named,
        bid: BucketId,
        key: &Bytes,
        upload: UploadId,
    ) -> Result<()> {
        let mut scan = Pages::over(rows::part::range(upload));
        while let Some(rows) = self.next_page(&mut scan).await? {
            for (_, value) in rows {
                let part = self.sound(PartRow::decode(&value))?;
                if part.at == PartAt::Blob {
                    let blob = BlobKey { bid: bid.0, key: key.clone(), rev: part.rev.0 };
                    named.add(Class::Part, blob, Some(part.size));
                }
            }
        }
        Ok(())
    }

    /// Bodies of the records of a range of rows.
    pub(crate) async fn scan_records(&self, named: &mut Named, records: KeyRange) -> Result<()> {
        let mut scan = Pages::over(records);
        while let Some(rows) = self.next_page(&mut scan).await? {
            for (row, value) in rows {
                let damaged = rows::Damaged { family: rows::Family::Object };
                let head = self.sound(Head::decode(&value))?;
                let bid = self.sound(rows::object::bucket(&row).ok_or(damaged))?;
                let key = self.sound(rows::object::name(&row).ok_or(damaged))?;
                match head.body {
                    BodyAt::Empty | BodyAt::Inline => {}
                    BodyAt::Blob { origin } => {
                        let (bid, key) =
                            origin.map_or((bid, key), |(bid, key)| (bid, key.as_bytes().clone()));
                        let blob = BlobKey { bid: bid.0, key, rev: head.body_rev.0 };
                        named.add(Class::Body, blob, Some(head.size));
                    }
                    BodyAt::Manifest => {
                        self.scan_manifest(named, (Class::Body, bid, &key), head.body_rev).await?
                    }
                }
            }
        }
        Ok(())
    }

    async fn scan_manifest(
        &self,
        named: &mut Named,
        (class, bid, key): (Class, BucketId, &Bytes),
        rev: Revision,
    ) -> Result<()> {
        let mut scan = Pages::over(rows::manifest::range(rev));
        while let Some(rows) = self.next_page(&mut scan).await? {
            for (_, value) in rows {
                for (range, entry) in self.sound(Page::decode(&value))?.spans() {
                    if entry.at == PartAt::Blob {
                        let blob = BlobKey { bid: bid.0, key: key.clone(), rev: entry.rev.0 };
                        named.add(class, blob, Some(range.end - range.start));
                    }
                }
            }
        }
        Ok(())
    }

    /// What waits for reclaim.
    pub(crate) async fn scan_queue(&self, named: &mut Named) -> Result<()> {
        for class in [Queue::Soon, Queue::Day] {
            let mut scan = Pages::over(rows::garbage::range(class));
            while let Some(rows) = self.next_page(&mut scan).await? {
                for (_, value) in rows {
                    let waste = self.sound(Garbage::decode(&value))?.what;
                    self.scan_waste(named, waste).await?;
                }
            }
        }
        Ok(())
    }

    async fn scan_waste(&self, named: &mut Named, waste: Waste) -> Result<()> {
        match waste {
            Waste::Blob { bid, key, rev } => {
                named.add(
                    Class::Queued,
                    BlobKey { bid: bid.0, key: key.as_bytes().clone(), rev: rev.0 },
                    None,
                );
                Ok(())
            }
            Waste::Manifest { bid, key, rev } => {
                self.scan_manifest(named, (Class::Queued, bid, key.as_bytes()), rev).await
            }
            Waste::Upload { bid, key, upload } => {
                let mut parts = Named::default();
                self.scan_parts(&mut parts, bid, key.as_bytes(), upload).await?;
                for claim in parts.claims.into_values() {
                    named.add(Class::Queued, claim.blob, claim.size);
                }
                Ok(())
            }
            // Uploads of a deleted bucket are still open rows until they are expanded; the others name no blob.
            Waste::BucketUploads(_) | Waste::Inline { .. } | Waste::Finished(_) => Ok(()),
        }
    }

    fn sound<T>(&self, decoded: std::result::Result<T, rows::Damaged>) -> Result<T> {
        decoded.map_err(|damaged| self.corrupt(damaged).into())
    }

    async fn next_page(&self, pages: &mut Pages) -> Result<Option<Rows>> {
        if !pages.more {
            return Ok(None);
        }
        self.read("scan rows", pages).await.map(Some)
    }
}

struct Pages {
    range: KeyRange,
    more: bool,
}

impl Pages {
    fn over(range: KeyRange) -> Self {
        Self { range, more: true }
    }
}

impl Reading for Pages {
    type Output = Rows;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Rows, Stop> {
        let page = first(txn, self.range.clone(), AT_ONCE, Read::Snapshot).await?;
        if let Some((last, _)) = page.rows.last() {
            self.range.begin = after(last);
        }
        self.more = page.more;
        Ok(page.rows)
    }
}
