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
pub(super) struct Slot {
    pub(super) name: Name,
    number: u64,
}

impl Disk {
    pub(super) fn new(layout: Layout, page: usize, tasks: Tasks, fatal: Fatal, sync: Sync) -> Self {
        Self {
            layout,
            tasks,
            buffers: Buffers::new(super::read::CHUNK),
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
    pub(super) fn begin(&self, name: Name) -> Slot {
        Slot { name, number: self.uploads.lock().begin(name) }
    }

    /// Ends a put that landed, or that never made its temporary file. Does not block.
    pub(super) fn leave(&self, slot: Slot) {
        self.uploads.lock().end(slot.name, slot.number);
    }

    /// Whether the put may still land; an error if a delete has taken it back.
    pub(super) fn check(&self, slot: Slot) -> Result<(), BlobError> {
        if self.uploads.lock().may_land(slot.name, slot.number) { Ok(()) } else { Err(deleted_meanwhile()) }
    }

    /// Makes the temporary file of a put.
    pub(super) fn create(&self, slot: Slot) -> Result<File, BlobError> {
        let _stripe = self.stripe(slot.name).lock();
        self.check(slot)?;
        let path = self.layout.upload(slot.name, slot.number);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(settled("make a temporary file"))
    }

    /// Ends a put that did not land: its temporary file goes.
    pub(super) fn discard(&self, slot: Slot) {
        let _stripe = self.stripe(slot.name).lock();
        match absent_is_fine(fs::remove_file(self.layout.upload(slot.name, slot.number))) {
            Ok(()) => self.leave(slot),
            // It stays entered: a delete tries again, and the next open removes it for certain.
            Err(error) => tracing::warn!(%error, blob = ?slot.name, "a temporary file stays behind"),
        }
    }

    /// The last step of a put: makes the file durable and gives it its name, unless a delete came first.
    pub(super) fn land(&self, slot: Slot, file: File) -> Result<(), BlobError> {
        self.check(slot)?;
        self.durable(&file, "fsync a blob").map_err(settled("fsync a blob"))?;
        drop(file);
        let _gate = self.gate.read();
        let shelf = self.make_shelf(slot.name).map_err(settled("make the directory of a blob"))?;
        {
            let _stripe = self.stripe(slot.name).lock();
            self.check(slot)?;
            let from = self.layout.upload(slot.name, slot.number);
            fs::rename(from, self.layout.blob(slot.name)).map_err(settled("rename a blob into place"))?;
            self.leave(slot);
        }
        self.durable(&shelf, "fsync the directory of a blob")
            .map_err(unknown("fsync the directory of a blob"))
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
        match File::open(self.layout.shelf(name.0, last_byte(name.1))) {
            Ok(shelf) => {
                self.durable(&shelf, "fsync after a delete").map_err(settled("fsync after a delete"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(settled("open the directory of a blob")(error)),
        }
    }

    /// Opens the directory of a blob; makes it and its bucket, durably, if this process has not done so yet. The caller holds the gate.
    fn make_shelf(&self, (bid, rev): Name) -> io::Result<File> {
        let byte = last_byte(rev);
        let path = self.layout.shelf(bid, byte);
        let (word, bit) = (usize::from(byte / 64), 1_u64 << (byte % 64));
        let known = self.durable.lock().get(&bid).copied();
        if known.is_none_or(|bits| bits[word] & bit == 0) {
            let bucket = self.layout.bucket(bid);
            if known.is_none() {
                make_directory(&bucket)?;
                self.durable(&File::open(self.layout.root())?, "fsync the directory of the buckets")?;
            }
            make_directory(&path)?;
            self.durable(&File::open(bucket)?, "fsync the directory of a bucket")?;
            self.durable.lock().entry(bid).or_default()[word] |= bit;
        }
        File::open(path)
    }

    /// Removes the directories of a bucket that are empty. The system refuses to remove those that are not.
    pub(super) fn forget(&self, bid: u64) -> Result<(), BlobError> {
        let _gate = self.gate.write();
        self.durable.lock().remove(&bid);
        let bucket = self.layout.bucket(bid);
        let shelves = match fs::read_dir(&bucket) {
            Ok(shelves) => shelves,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(settled("read the directory of a bucket")(error)),
        };
        let mut empty = true;
        for shelf in shelves {
            let shelf = shelf.map_err(settled("read the directory of a bucket"))?.path();
            empty &= remove_if_empty(&shelf).map_err(settled("remove the directory of a bucket"))?;
        }
        if empty {
            remove_if_empty(&bucket).map_err(settled("remove the directory of a bucket"))?;
        }
        Ok(())
    }

    /// Makes a file or directory durable. Lack of space comes back; after any other error the disk is not to be trusted.
    pub(super) fn durable(&self, file: &File, what: &'static str) -> io::Result<()> {
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
