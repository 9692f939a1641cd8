//! One look at both tiers.

use std::collections::BTreeMap;

use terrace_long_term::{BlobKey, Damaged};

use crate::error::Result;
use crate::fsck::scan::Claim;
use crate::fsck::{Class, Finding, Report, Tally};
use crate::store::Store;

/// What is on the long-term tier, by revision.
#[derive(Default)]
struct Stored {
    sound: BTreeMap<[u8; 16], (BlobKey, u64)>,
    damaged: BTreeMap<[u8; 16], Damaged>,
}

impl Store {
    /// Lists the long-term tier, scans the rows, and says what does not agree.
    pub(crate) async fn compare(&self) -> Result<Report> {
        let mut report = Report::default();
        let Stored { sound, damaged } = self.stored_blobs().await?;
        let named = self.scan().await?;
        for Damaged { bid, rev, bytes } in damaged.values().copied() {
            add(&mut report.blobs, bytes);
            report.findings.push(Finding::Unreadable { bid, rev, bytes });
        }
        for (blob, bytes) in sound.values() {
            add(&mut report.blobs, *bytes);
            match named.claims.get(&blob.rev) {
                Some(claim) => judge(&mut report, claim, *bytes),
                None => report.findings.push(Finding::Orphan { blob: blob.clone(), bytes: *bytes }),
            }
        }
        for claim in named.claims.into_values() {
            let class = last(&claim);
            let must_be_there = matches!(class, Class::Part | Class::Body);
            // It may have been finished after the listing.
            let is_listed = sound.contains_key(&claim.blob.rev) || damaged.contains_key(&claim.blob.rev);
            if must_be_there && !is_listed && !self.is_there(&claim.blob).await? {
                report.findings.push(Finding::Missing { blob: claim.blob, class });
            }
        }
        Ok(report)
    }

    async fn stored_blobs(&self) -> Result<Stored> {
        let failed = |error| self.blob_failure("list blobs", error);
        let mut stored = Stored::default();
        for bid in self.blobs.buckets().await.map_err(failed)? {
            let mut after = None;
            loop {
                let page = self.blobs.list(bid, after).await.map_err(failed)?;
                stored.sound.extend(page.blobs.into_iter().map(|blob| (blob.key.rev, (blob.key, blob.size))));
                stored.damaged.extend(page.damaged.into_iter().map(|damaged| (damaged.rev, damaged)));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(stored)
    }

    pub(crate) async fn is_there(&self, blob: &BlobKey) -> Result<bool> {
        let head = self.blobs.head(blob).await.map_err(|error| self.blob_failure("head a blob", error))?;
        Ok(head.is_some())
    }
}

/// The class into which a blob moved last.
fn last(claim: &Claim) -> Class {
    claim.classes.iter().max().copied().unwrap_or(Class::Ticket)
}

fn judge(report: &mut Report, claim: &Claim, stored: u64) {
    let class = last(claim);
    let tally = match class {
        Class::Ticket => &mut report.tickets,
        Class::Part => &mut report.parts,
        Class::Body => &mut report.bodies,
        Class::Queued => &mut report.queued,
    };
    add(tally, stored);
    if claim.classes.len() > 1 {
        report.findings.push(Finding::Twice { blob: claim.blob.clone(), classes: claim.classes.clone() });
    }
    if let Some(recorded) = claim.size
        && recorded != stored
    {
        report.findings.push(Finding::WrongSize { blob: claim.blob.clone(), recorded, stored });
    }
}

fn add(tally: &mut Tally, bytes: u64) {
    tally.count += 1;
    tally.bytes += bytes;
}
