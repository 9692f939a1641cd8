//! Room for the journal, taken before fjall writes.
//!
//! fjall poisons itself for good when a write to its journal fails, by lack of space too. So the blocks of a batch are allocated
//! first: when that fails, the batch is refused, nothing was written, and the next one may succeed. The same happens when so little
//! space would be left that fjall's own threads could not flush what is in memory: they give up for good too.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::journal::{self, Journal};

/// Room is taken in pieces of this many bytes.
const PIECE: u64 = 4 << 20;

/// Follows the journal that fjall writes to.
#[derive(Debug)]
pub(super) struct Reserve {
    engine: PathBuf,
    next: PathBuf,
    id: u64,
    file: File,
    /// At most this many bytes have been written.
    written: u64,
    allocated: u64,
    /// Bytes that must stay free behind what is taken.
    headroom: u64,
    supported: bool,
}

impl Reserve {
    /// For an engine whose last journal is filled up to `written` bytes.
    pub(super) fn open(engine: PathBuf, written: u64, headroom: u64) -> io::Result<Self> {
        let Some(Journal { id, path }) = journal::list(&engine)?.pop() else {
            return Err(io::Error::other("the engine has no journal"));
        };
        let file = OpenOptions::new().write(true).open(path)?;
        let next = path_of(&engine, id + 1);
        Ok(Self { engine, next, id, file, written, allocated: written, headroom, supported: true })
    }

    /// Makes sure that `bytes` more can be written.
    ///
    /// # Errors
    /// Lack of space, of quota, or a limit on the size of files.
    pub(super) fn take(&mut self, bytes: u64) -> io::Result<()> {
        while self.next.try_exists()? {
            self.id += 1;
            self.file = OpenOptions::new().write(true).open(path_of(&self.engine, self.id))?;
            self.next = path_of(&self.engine, self.id + 1);
            (self.written, self.allocated) = (0, 0);
        }
        let end = self.written + bytes;
        if end > self.allocated {
            self.allocate(end)?;
        }
        self.written = end;
        Ok(())
    }

    fn allocate(&mut self, end: u64) -> io::Result<()> {
        let until = end.next_multiple_of(PIECE);
        let piece = until - self.allocated;
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| end > limit) {
            return Err(Errno::FBIG.into());
        }
        let space = fstatvfs(&self.file)?;
        if space.f_bavail.saturating_mul(space.f_frsize) < piece.saturating_add(self.headroom) {
            return Err(Errno::NOSPC.into());
        }
        if self.supported {
            // The file's size stays: fjall appends at its end after a restart.
            match fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.allocated, piece) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                    tracing::warn!("the file system cannot reserve space: a full disk may stop the process");
                    self.supported = false;
                }
                done => done?,
            }
        }
        self.allocated = until;
        Ok(())
    }
}

fn path_of(engine: &std::path::Path, id: u64) -> PathBuf {
    engine.join(format!("{id}.jnl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_and_what_fits_is_taken_afterwards() {
        let engine = tempfile::tempdir().unwrap();
        let journal = engine.path().join("3.jnl");
        std::fs::write(&journal, "batch").unwrap();
        let mut reserve = Reserve::open(engine.path().to_owned(), 5, 0).unwrap();
        assert!(reserve.take(1 << 50).is_err());
        assert_eq!(reserve.written, 5);
        reserve.take(1_000).unwrap();
        assert_eq!((reserve.written, reserve.allocated), (1_005, PIECE));
        reserve.take(PIECE).unwrap();
        assert_eq!((reserve.written, reserve.allocated), (1_005 + PIECE, 2 * PIECE));
        assert_eq!(std::fs::read(&journal).unwrap(), b"batch", "the file keeps its length");
    }

    #[test]
    fn what_would_leave_too_little_space_is_refused() {
        let engine = tempfile::tempdir().unwrap();
        std::fs::write(engine.path().join("3.jnl"), "").unwrap();
        let mut reserve = Reserve::open(engine.path().to_owned(), 0, u64::MAX).unwrap();
        assert_eq!(reserve.take(1).unwrap_err().kind(), io::ErrorKind::StorageFull);
        reserve.headroom = 0;
        reserve.take(1).unwrap();
    }

    #[test]
    fn a_new_journal_is_followed() {
        let engine = tempfile::tempdir().unwrap();
        std::fs::write(engine.path().join("3.jnl"), "").unwrap();
        let mut reserve = Reserve::open(engine.path().to_owned(), 0, 0).unwrap();
        reserve.take(1_000).unwrap();
        std::fs::write(engine.path().join("4.jnl"), "").unwrap();
        std::fs::write(engine.path().join("5.jnl"), "").unwrap();
        reserve.take(10).unwrap();
        assert_eq!((reserve.id, reserve.written), (5, 10));
    }
}
