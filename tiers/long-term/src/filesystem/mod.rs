//! Blobs as files in a directory. What is where is in `layout`, what a file holds in `footer`; the life of a put is in `upload` (the
//! half that waits) and `disk` (the half that blocks).

mod batch;
mod buffers;
mod classify;
mod disk;
mod footer;
mod layout;
mod list;
mod marker;
mod read;
mod upload;

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use terrace_runtime::Tasks;

use crate::blob::{BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, SizeHint, Stored};
use crate::error::BlobError;
use crate::key::BlobKey;
use crate::uploads::name_of;
use classify::{joined, settled};
use disk::{Disk, Sync, absent_is_fine, make_directory};
use layout::Layout;

pub use classify::Fatal;

/// Where the blobs are, and how they are listed.
#[derive(Clone, Debug)]
pub struct FilesystemOptions {
    /// The directory of the blobs; made if it is not there. It belongs to the store alone, and must lie in one file system.
    pub directory: PathBuf,
    /// Blobs on a page of a listing, at least one.
    pub page: usize,
}

impl FilesystemOptions {
    /// The blobs are in `directory`, listed 1,000 a page.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), page: 1_000 }
    }
}

/// A store of blobs in a directory of the local file system. Cheap to clone.
#[derive(Clone)]
pub struct FilesystemBlobs {
    disk: Arc<Disk>,
    binding: Arc<Mutex<()>>,
}

impl FilesystemBlobs {
    /// Opens the directory, makes it durably if it is not there, and removes the temporary files of a process that died. Call it only
    /// while no other process uses the directory: whoever owns the data directory holds its lock. `fatal` is called when an fsync
    /// fails for another reason than lack of space. Must be called on a runtime.
    ///
    /// # Errors
    /// `Unavailable`, `NoSpace`.
    pub async fn open(options: FilesystemOptions, tasks: Tasks, fatal: Fatal) -> Result<Self, BlobError> {
        Self::open_with(options, tasks, fatal, Arc::new(File::sync_all)).await
    }

    async fn open_with(
        options: FilesystemOptions,
        tasks: Tasks,
        fatal: Fatal,
        sync: Sync,
    ) -> Result<Self, BlobError> {
        let layout = Layout::new(options.directory);
        let disk = Arc::new(Disk::new(layout, options.page, tasks, fatal, sync));
        joined(disk.step("open the blobs", prepare).await)?;
        Ok(Self { disk, binding: Arc::default() })
    }
}

/// Makes the directories, and removes what a process that died has left of its uploads.
fn prepare(disk: &Disk) -> Result<(), BlobError> {
    let uploads = disk.layout.uploads();
    make_durably(disk, &uploads).map_err(settled("make the directory of the blobs"))?;
    for entry in fs::read_dir(&uploads).map_err(settled("list the temporary files"))? {
        let entry = entry.map_err(settled("list the temporary files"))?;
        absent_is_fine(fs::remove_file(entry.path())).map_err(settled("remove a temporary file"))?;
    }
    Ok(())
}

/// Makes a directory and its parents; each that is new is durable in its own parent.
fn make_durably(disk: &Disk, path: &Path) -> std::io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else { return Ok(()) };
    make_durably(disk, parent)?;
    make_directory(path)?;
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    disk.fsync(&File::open(parent)?, "fsync a new directory")
}

#[async_trait]
impl BlobStore for FilesystemBlobs {
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        upload::put(&self.disk, key, body, hint).await
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        read::get(&self.disk, key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        let key = key.clone();
        let found = joined(self.disk.step("look at a blob", move |disk| read::open(disk, &key)).await)?;
        Ok(found.map(|(_, size)| BlobFacts { size }))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let name = name_of(key);
        joined(self.disk.step("delete a blob", move |disk| disk.delete(name)).await)
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        joined(self.disk.step("list blobs", move |disk| list::list(disk, bid, after)).await)
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        joined(self.disk.step("list buckets", list::buckets).await)
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        upload::copy(&self.disk, from, to).await
    }

    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError> {
        joined(self.disk.step("forget a bucket", move |disk| disk.forget(bid)).await)
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        joined(self.disk.step("read the deployment marker", marker::read).await)
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        let binding = Arc::clone(&self.binding);
        let bound = self.disk.step("bind the deployment", move |disk| {
            let _alone = binding.lock();
            marker::bind(disk, deployment)
        });
        joined(bound.await)
    }

    fn facts(&self) -> Facts {
        Facts { name: "filesystem" }
    }
}

#[cfg(test)]
mod tests;
