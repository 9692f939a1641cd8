//! Reading: positioned reads in buffers that are handed on without a copy. What the page cache has is read where it is asked for, some 30 µs a
//! chunk; from the first miss on a body is read on blocking threads, one chunk ahead of the reader.

use std::fs::File;
use std::io::{ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::Stream;
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::JoinHandle;

use super::classify::{footer, joined, settled};
use super::disk::Disk;
use super::footer::{Damage, Footer};
use crate::blob::BlobRead;
use crate::error::{BlobError, BlobErrorKind, BodyError};
use crate::key::BlobKey;
use crate::range::clamp;
use crate::uploads::name_of;

/// Bytes of one read. A reader holds two of them at most, and the one it was given.
pub(super) const CHUNK: usize = 256 * 1024;

/// Opens a blob and checks it against its footer; its size. `None`: no such blob.
pub(super) fn open(disk: &Disk, key: &BlobKey) -> Result<Option<(File, u64)>, BlobError> {
    let file = match File::open(disk.layout.blob(name_of(key))) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(settled("open a blob")(error)),
    };
    let found = Footer::read(&file).map_err(footer)?;
    if found.key != *key {
        return Err(footer(Damage::Name.into()));
    }
    Ok(Some((file, found.size)))
}

fn read_chunk(disk: &Disk, file: &File, range: Range<u64>) -> Result<Bytes, BlobError> {
    // At most CHUNK, see `next_range`.
    let mut buffer = disk.buffers.take(usize::try_from(range.end - range.start).unwrap_or(CHUNK));
    file.read_exact_at(buffer.as_mut(), range.start).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => {
            BlobError::settled(BlobErrorKind::Corrupt, "read a blob that ends early").because(error)
        }
        _ => settled("read a blob")(error),
    })?;
    Ok(buffer.freeze())
}

/// The chunk, if the page cache has all of it: no wait for the disk, and no change of threads, which costs as much as the copy (`preadv2(2)`, `RWF_NOWAIT`).
fn read_cached(disk: &Disk, file: &File, range: &Range<u64>) -> Option<Bytes> {
    let length = usize::try_from(range.end - range.start).ok()?;
    let mut buffer = disk.buffers.take(length);
    let read = preadv2(file, &mut [IoSliceMut::new(buffer.as_mut())], range.start, ReadWriteFlags::NOWAIT);
    // A miss, a part, or a file system that cannot tell: whatever it is, the read that may wait finds out.
    (read.ok()? == length).then(|| buffer.freeze())
}

/// The range of the next read, taken off `rest`.
fn next_range(rest: &mut Range<u64>) -> Range<u64> {
    let next = rest.start..rest.end.min(rest.start + CHUNK as u64);
    rest.start = next.end;
    next
}

/// Opens a blob for reading; the first chunk is read in the same hop.
pub(super) async fn get(
    disk: &Arc<Disk>,
    key: &BlobKey,
    range: Option<Range<u64>>,
) -> Result<Option<BlobRead>, BlobError> {
    let wanted = key.clone();
    let opened = disk.step("open a blob", move |disk| {
        let Some((file, size)) = open(disk, &wanted)? else { return Ok(None) };
        let mut rest = clamp(range, size);
        let first = match next_range(&mut rest) {
            none if none.is_empty() => None,
            some => Some(read_chunk(disk, &file, some)?),
        };
        Ok(Some((file, size, rest, first)))
    });
    let Some((file, size, rest, first)) = joined(opened.await)? else { return Ok(None) };
    let disk = Arc::clone(disk);
    let reading = Reading { disk, file: Arc::new(file), rest, first, ahead: None, cached: true };
    Ok(Some(BlobRead { size, body: Box::pin(reading) }))
}

/// The body of a blob. Holds the file open, so that a delete does not disturb it.
struct Reading {
    disk: Arc<Disk>,
    file: Arc<File>,
    rest: Range<u64>,
    first: Option<Bytes>,
    ahead: Option<JoinHandle<Result<Bytes, BlobError>>>,
    /// No read has missed the page cache.
    cached: bool,
}

impl Reading {
    fn read_ahead(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let (file, range) = (Arc::clone(&self.file), next_range(&mut self.rest));
        self.ahead = Some(self.disk.step("read a blob", move |disk| read_chunk(disk, &file, range)));
    }

    /// The next chunk, if it is in memory; else it is being read.
    fn read_on(&mut self) -> Option<Bytes> {
        let mut rest = self.rest.clone();
        let range = next_range(&mut rest);
        let chunk = read_cached(&self.disk, &self.file, &range);
        match chunk {
            Some(_) => self.rest = rest,
            None => {
                self.cached = false;
                self.read_ahead();
            }
        }
        chunk
    }
}

impl Stream for Reading {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.cached
            && !self.rest.is_empty()
            && let Some(chunk) = self.read_on()
        {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(ahead).poll(context));
        self.ahead = None;
        let next = joined(outcome);
        match &next {
            Ok(_) => self.read_ahead(),
            Err(_) => self.rest = 0..0,
        }
        Poll::Ready(Some(next.map_err(BodyError::new)))
    }
}
