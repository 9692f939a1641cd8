//! The blocking half of the store: the steps of a put's life under their locks, deletes and directories. Everything here runs on
//! blocking threads.
//!
//! Locks, in the order they are taken: `gate` (shared: a blob is being put into its directory; alone: empty directories are being
//! removed), then the stripe of the blob (its names in the file system), then `uploads` (never held across a call of the system).

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use terrace_runtime::Tasks;
use tokio::task::JoinHandle;

use super::buffers::Buffers;
use super::classify::{self, Fatal, settled, unknown};
use super::layout::{Layout, last_byte};
use crate::error::BlobError;
use crate::memory::deleted_meanwhile;
use crate::uploads::{Name, Uploads};

const STRIPES: usize = 64;

/// How a file or a directory is made durable; replaced in tests.
pub(super) type Sync = Arc<dyn Fn(&File) -> io::Result<()> + Send + std::marker::Sync>;

/// What all parts of the store share.
pub(super) struct Disk {
    pub(super) layout: Layout,
    pub(super) tasks: Tasks,
    pub(super) buffers: Arc<Buffers>,
    pub(super) page: usize,
    fatal: Fatal,
    sync: Sync,
    uploads: Mutex<Uploads>,
    stripes: [Mutex<()>; STRIPES],
    gate: RwLock<()>,
    /// Directories that are there and durable: one bit for each of the 256 of a bucket.
    durable: Mutex<HashMap<u64, [u64; 4]>>,
}

/// One put under way: the blob and the number of the put.
#[derive(Clone, Copy, Debug)]
pub(super) struct UploadId {
    pub(super) name: Name,
    number: u64,
}

impl Disk {
    pub(super) fn new(layout: Layout, page: usize, tasks: Tasks, fatal: Fatal, sync: Sync) -> Self {
        Self {
            layout,
            tasks,
            buffers: Buffers::new(super::read::CHUNK.max(super::batch::FULL)),
            page: page.max(1),
            fatal,
            sync,
            uploads: Mutex::default(),
            stripes: std::array::from_fn(|_| Mutex::default()),
            gate: RwLock::default(),
            durable: Mutex::default(),
        }
    }

    /// Runs a blocking step in a tracked task.
    pub(super) fn step<T: Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let disk = Arc::clone(self);
        self.tasks.blocking(name, move || work(&disk))
    }

    fn stripe(&self, (_, rev): Name) -> &Mutex<()> {
        &self.stripes[usize::from(last_byte(rev)) % STRIPES]
    }

    /// Enters a put. Does not block.
    pub(super) fn begin(&self, name: Name) -> UploadId {
        UploadId { name, number: self.uploads.lock().begin(name) }
    }

    /// Ends a put that landed, or that never made its temporary file. Does not block.
    pub(super) fn leave(&self, id: UploadId) {
        self.uploads.lock().end(id.name, id.number);
    }

    /// Whether the put may still land; an error if a delete has taken it back.
    pub(super) fn check(&self, id: UploadId) -> Result<(), BlobError> {
        if self.uploads.lock().may_land(id.name, id.number) { Ok(()) } else { Err(deleted_meanwhile()) }
    }

    /// Makes the temporary file of a put.
    pub(super) fn create(&self, id: UploadId) -> Result<File, BlobError> {
        let _stripe = self.stripe(id.name).lock();
        self.check(id)?;
        let path = self.layout.upload(id.name, id.number);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(settled("make a temporary file"))
    }

    /// Ends a put that did not land: its temporary file goes.
    pub(super) fn discard(&self, id: UploadId) {
        let _stripe = self.stripe(id.name).lock();
        match absent_is_fine(fs::remove_file(self.layout.upload(id.name, id.number))) {
            Ok(()) => self.leave(id),
            // It stays entered: a delete tries again, and the next open removes it for certain.
            Err(error) => tracing::warn!(%error, blob = ?id.name, "a temporary file stays behind"),
        }
    }

    /// The last step of a put: makes the file durable and gives it its name, unless a delete came first.
    pub(super) fn land(&self, id: UploadId, file: File) -> Result<(), BlobError> {
        self.check(id)?;
        self.fsync(&file, "fsync a blob").map_err(settled("fsync a blob"))?;
        drop(file);
        let _gate = self.gate.read();
        let shard = self.open_shard(id.name).map_err(settled("make the directory of a blob"))?;
        {
            let _stripe = self.stripe(id.name).lock();
            self.check(id)?;
            let from = self.layout.upload(id.name, id.number);
            fs::rename(from, self.layout.blob(id.name)).map_err(settled("rename a blob into place"))?;
            self.leave(id);
        }
        self.fsync(&shard, "fsync the directory of a blob").map_err(unknown("fsync the directory of a blob"))
    }

    /// Removes a blob, and takes back the puts of it that are under way.
    pub(super) fn delete(&self, name: Name) -> Result<(), BlobError> {
        {
            let _stripe = self.stripe(name).lock();
            absent_is_fine(fs::remove_file(self.layout.blob(name))).map_err(settled("delete a blob"))?;
            let under_way = self.uploads.lock().of(name);
            for number in under_way {
                absent_is_fine(fs::remove_file(self.layout.upload(name, number)))
                    .map_err(settled("delete a temporary file"))?;
                self.uploads.lock().end(name, number);
            }
        }
        // Also when there was nothing: an earlier delete may have ended between the two.
        match File::open(self.layout.shard(name.0, last_byte(name.1))) {
            Ok(shard) => self.fsync(&shard, "fsync after a delete").map_err(settled("fsync after a delete")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(settled("open the directory of a blob")(error)),
        }
    }

    /// Opens the directory of a blob. Makes it and its bucket, durably, if this process has not done so yet, or if somebody has removed
    /// it. The caller holds the gate.
    fn open_shard(&self, (bid, rev): Name) -> io::Result<File> {
        let byte = last_byte(rev);
        let path = self.layout.shard(bid, byte);
        let (word, bit) = (usize::from(byte / 64), 1_u64 << (byte % 64));
        if self.durable.lock().get(&bid).is_some_and(|bits| bits[word] & bit != 0) {
            match File::open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                opened => return opened,
            }
        }
        let bucket = self.layout.bucket(bid);
        make_directory(&bucket)?;
        make_directory(&path)?;
        self.fsync(&File::open(self.layout.root())?, "fsync the directory of the buckets")?;
        self.fsync(&File::open(bucket)?, "fsync the directory of a bucket")?;
        self.durable.lock().entry(bid).or_default()[word] |= bit;
        File::open(path)
    }

    /// Removes the directories of a bucket that are empty. The system refuses to remove those that are not.
    pub(super) fn forget(&self, bid: u64) -> Result<(), BlobError> {
        let _gate = self.gate.write();
        self.durable.lock().remove(&bid);
        let bucket = self.layout.bucket(bid);
        let shards = match fs::read_dir(&bucket) {
            Ok(shards) => shards,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(settled("read the directory of a bucket")(error)),
        };
        let mut empty = true;
        for shard in shards {
            let shard = shard.map_err(settled("read the directory of a bucket"))?.path();
            empty &= remove_if_empty(&shard).map_err(settled("remove the directory of a bucket"))?;
        }
        if empty {
            remove_if_empty(&bucket).map_err(settled("remove the directory of a bucket"))?;
        }
        Ok(())
    }

    /// Makes a file or directory durable. Lack of space comes back; after any other error the disk is not to be trusted.
    pub(super) fn fsync(&self, file: &File, what: &'static str) -> io::Result<()> {
        (self.sync)(file).inspect_err(|error| {
            if classify::kind(error) != crate::BlobErrorKind::NoSpace {
                (self.fatal)(what, error);
            }
        })
    }

    /// How many puts are under way.
    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.uploads.lock().count()
    }
}

/// Makes a directory for this user alone; it may be there.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

pub(super) fn absent_is_fine(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Whether the directory is gone. What is not a directory stays as well.
fn remove_if_empty(path: &Path) -> io::Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(true),
            ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory => Ok(false),
            _ => Err(error),
        },
    }
}
