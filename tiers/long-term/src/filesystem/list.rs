//! Listings. Blocking.

use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};

use bytes::Bytes;

use super::classify::settled;
use super::disk::Disk;
use super::footer::{Damage, Footer, FooterError};
use super::layout::{bucket_of, last_byte, rev_of, shard_of};
use crate::blob::{BlobPage, Damaged, Listed};
use crate::error::{BlobError, BlobErrorKind};

type Rev = [u8; 16];

/// The buckets that have a directory.
pub(super) fn buckets(disk: &Disk) -> Result<Vec<u64>, BlobError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(disk.layout.root()).map_err(settled("list the buckets"))? {
        found.extend(entry.map_err(settled("list the buckets"))?.file_name().to_str().and_then(bucket_of));
    }
    found.sort_unstable();
    Ok(found)
}

/// A page of blobs in the order of (last byte of the revision, revision); the cursor is the last revision of the page before.
/// Cost: one read of the names of each directory it touches, and one open and one read for each blob. A directory with more blobs
/// than a page is read once for each of its pages; what is held in memory is a page.
pub(super) fn list(disk: &Disk, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
    let after = match after.as_deref().map(Rev::try_from) {
        None => None,
        Some(Ok(rev)) => Some(rev),
        Some(Err(_)) => return Err(BlobError::settled(BlobErrorKind::Bug, "read the cursor of a listing")),
    };
    let mut page = BlobPage::default();
    let (mut last, mut taken) = (None, 0);
    for byte in shards(disk, bid, after.map(last_byte))? {
        let floor = after.filter(|rev| last_byte(*rev) == byte);
        let (revs, more) = names(disk, bid, byte, floor, disk.page - taken)?;
        for rev in revs {
            look(disk, (bid, rev), &mut page)?;
            last = Some(rev);
            taken += 1;
        }
        if more {
            page.next = last.map(|rev| Bytes::copy_from_slice(&rev));
            break;
        }
    }
    Ok(page)
}

/// The directories of a bucket from `from` on, in order.
fn shards(disk: &Disk, bid: u64, from: Option<u8>) -> Result<Vec<u8>, BlobError> {
    let Some(entries) = present(fs::read_dir(disk.layout.bucket(bid)))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(settled("list a bucket"))?.file_name();
        match name.to_str().and_then(shard_of) {
            Some(byte) if from.is_none_or(|from| byte >= from) => found.push(byte),
            Some(_) => {}
            None => tracing::warn!(bucket = bid, ?name, "a directory of blobs holds what is not ours"),
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The least `room` revisions above `floor` in a directory, in order, and whether there are more.
fn names(
    disk: &Disk,
    bid: u64,
    byte: u8,
    floor: Option<Rev>,
    room: usize,
) -> Result<(Vec<Rev>, bool), BlobError> {
    let Some(entries) = present(fs::read_dir(disk.layout.shard(bid, byte)))? else {
        return Ok((Vec::new(), false));
    };
    let (mut least, mut more) = (BinaryHeap::new(), false);
    for entry in entries {
        let name = entry.map_err(settled("list a bucket"))?.file_name();
        let Some(rev) = name.to_str().and_then(|name| rev_of(name, byte)) else {
            tracing::warn!(bucket = bid, ?name, "a directory of blobs holds what is not ours");
            continue;
        };
        if floor.is_some_and(|floor| rev <= floor) {
            continue;
        }
        least.push(rev);
        if least.len() > room {
            least.pop();
            more = true;
        }
    }
    Ok((least.into_sorted_vec(), more))
}

/// Puts a blob on the page, among the damaged if it is not as it was written. One that has gone meanwhile is on no page.
fn look(disk: &Disk, (bid, rev): (u64, Rev), page: &mut BlobPage) -> Result<(), BlobError> {
    let Some(file) = present(File::open(disk.layout.blob((bid, rev))))? else { return Ok(()) };
    let read = Footer::read(&file).and_then(|footer| {
        let named = (footer.key.bid, footer.key.rev) == (bid, rev);
        if named { Ok(footer) } else { Err(Damage::Name.into()) }
    });
    match read {
        Ok(footer) => page.blobs.push(Listed { key: footer.key, size: footer.size }),
        Err(FooterError::Damage(damage)) => {
            tracing::warn!(%damage, bucket = bid, rev = hex::encode(rev), "a damaged blob");
            let bytes = file.metadata().map_err(settled("look at a damaged blob"))?.len();
            page.damaged.push(Damaged { bid, rev, bytes });
        }
        Err(FooterError::Io(error)) => return Err(settled("read the footer of a blob")(error)),
    }
    Ok(())
}

fn present<T>(outcome: io::Result<T>) -> Result<Option<T>, BlobError> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(settled("list a bucket")(error)),
    }
}
