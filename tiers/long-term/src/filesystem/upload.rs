//! A put: the body goes to a temporary file in large writes, one of them under way while the next is collected.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::StreamExt;
use tokio::task::JoinHandle;

use super::batch::{self, Batch};
use super::classify::{joined, settled};
use super::disk::{Disk, UploadId};
use super::footer::{Footer, key_fits};
use super::read;
use crate::blob::{BlobBody, SizeHint, Stored};
use crate::error::{BlobError, BlobErrorKind};
use crate::key::BlobKey;
use crate::length::Length;
use crate::uploads::name_of;

/// Bytes of a copy between two looks at whether it is still wanted.
const COPY_STEP: u64 = 64 * 1024 * 1024;

/// A put under way. Dropped, it can no longer land, and its temporary file goes in the background; outside a runtime the file stays
/// for a delete or the next open.
struct Upload {
    disk: Arc<Disk>,
    id: UploadId,
    over: bool,
}

impl Upload {
    fn begin(disk: &Arc<Disk>, key: &BlobKey) -> Result<Self, BlobError> {
        if !key_fits(&key.key) {
            return Err(BlobError::settled(
                BlobErrorKind::Bug,
                "store a blob whose key has not 1 to 1,024 bytes",
            ));
        }
        Ok(Self { disk: Arc::clone(disk), id: disk.begin(name_of(key)), over: false })
    }

    /// Ends the put: an error that is settled leaves no temporary file behind when this returns.
    async fn end<T>(mut self, outcome: Result<T, BlobError>) -> Result<T, BlobError> {
        let id = self.id;
        self.over = match &outcome {
            Ok(_) => {
                self.disk.leave(id);
                true
            }
            Err(_) => self.disk.step("discard an upload", move |disk| disk.discard(id)).await.is_ok(),
        };
        outcome
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (disk, id) = (Arc::clone(&self.disk), self.id);
        self.disk.tasks.cleanup("discard an upload", async move {
            if let Err(error) = disk.step("discard an upload", move |disk| disk.discard(id)).await {
                tracing::warn!(%error, "an upload was not discarded");
            }
        });
    }
}

/// The temporary file, as far as it has come, and what is to be written next.
struct Sink {
    disk: Arc<Disk>,
    id: UploadId,
    batch: Batch,
    file: Option<File>,
    writing: Option<JoinHandle<Result<File, BlobError>>>,
}

impl Sink {
    /// Collects a chunk; starts a write whenever a batch is full.
    async fn take(&mut self, mut chunk: Bytes) -> Result<(), BlobError> {
        while !chunk.is_empty() {
            self.batch.fill(&mut chunk);
            if self.batch.is_full() {
                self.settle().await?;
                let full = std::mem::replace(&mut self.batch, Batch::new(&self.disk.buffers));
                let (id, file) = (self.id, self.file.take());
                self.writing = Some(self.disk.step("write a blob", move |disk| write(disk, id, file, &full)));
            }
        }
        Ok(())
    }

    /// Waits for the write under way; the file comes back if there is one yet.
    async fn settle(&mut self) -> Result<(), BlobError> {
        if let Some(writing) = &mut self.writing {
            let outcome = joined(writing.await);
            self.writing = None;
            self.file = Some(outcome?);
        }
        Ok(())
    }
}

/// Stores a body. Blocking hops: one for each 256 KiB, one for the last step.
pub(super) async fn put(
    disk: &Arc<Disk>,
    key: &BlobKey,
    body: BlobBody,
    hint: SizeHint,
) -> Result<Stored, BlobError> {
    let upload = Upload::begin(disk, key)?;
    let outcome = receive(disk, upload.id, key, (body, hint)).await;
    upload.end(outcome).await
}

async fn receive(
    disk: &Arc<Disk>,
    id: UploadId,
    key: &BlobKey,
    (mut body, hint): (BlobBody, SizeHint),
) -> Result<Stored, BlobError> {
    let mut length = Length::new(hint);
    let mut sink =
        Sink { disk: Arc::clone(disk), id, batch: Batch::new(&disk.buffers), file: None, writing: None };
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(BlobError::body)?;
        length.add(chunk.len())?;
        sink.take(chunk).await?;
    }
    drop(body);
    let size = length.end()?;
    sink.take(Footer { key: key.clone(), size }.encode()).await?;
    sink.settle().await?;
    let Sink { batch, file, .. } = sink;
    let land = move |disk: &Disk| disk.land(id, write(disk, id, file, &batch)?);
    joined(disk.step("land a blob", land).await)?;
    Ok(Stored { size })
}

/// Writes a batch at the end of the temporary file, which is made first if there is none yet.
fn write(disk: &Disk, id: UploadId, file: Option<File>, batch: &Batch) -> Result<File, BlobError> {
    disk.check(id)?;
    let file = match file {
        Some(file) => file,
        None => {
            let file = disk.create(id)?;
            batch::direct(&file).map_err(settled("write a blob"))?;
            file
        }
    };
    batch.write_to(&file).map_err(settled("write a blob"))?;
    Ok(file)
}

/// Copies a whole blob inside the file system: the kernel shares or moves the bytes where it can.
pub(super) async fn copy(
    disk: &Arc<Disk>,
    from: &BlobKey,
    to: &BlobKey,
) -> Result<Option<Stored>, BlobError> {
    let upload = Upload::begin(disk, to)?;
    let (id, from, to) = (upload.id, from.clone(), to.clone());
    let copied = disk.step("copy a blob", move |disk| {
        let Some((source, size)) = read::open(disk, &from)? else { return Ok(None) };
        copy_body(disk, id, &source, &to, size).map(Some)
    });
    let outcome = joined(copied.await);
    upload.end(outcome).await
}

fn copy_body(disk: &Disk, id: UploadId, source: &File, to: &BlobKey, size: u64) -> Result<Stored, BlobError> {
    let mut file = disk.create(id)?;
    let mut left = size;
    while left > 0 {
        disk.check(id)?;
        // The library uses copy_file_range where the file system has it, and reads and writes where not.
        let copied = std::io::copy(&mut source.take(left.min(COPY_STEP)), &mut file);
        match copied.map_err(settled("copy a blob"))? {
            0 => return Err(BlobError::settled(BlobErrorKind::Corrupt, "copy a blob that ends early")),
            copied => left -= copied.min(left),
        }
    }
    let footer = Footer { key: to.clone(), size }.encode();
    file.write_all(&footer).map_err(settled("write a blob"))?;
    disk.land(id, file)?;
    Ok(Stored { size })
}
