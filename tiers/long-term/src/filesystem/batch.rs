//! Collects a body in large aligned pieces and writes them past the page cache: what is written once would push out what is read often,
//! and fresh pages for it cost more than all else in a put.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::buffers::{ALIGNMENT, Buffer, Buffers};

/// Bytes of a full batch. One more may be on its way to the disk: an upload holds twice this at most, beyond the chunk it was given.
pub(super) const FULL: usize = 512 * 1024;
const _: () = assert!(FULL.is_multiple_of(ALIGNMENT));

/// Bytes that wait to be written.
pub(super) struct Batch {
    buffer: Buffer,
    filled: usize,
}

impl Batch {
    /// An empty one, of buffers of [`FULL`] bytes.
    pub(super) fn new(buffers: &Arc<Buffers>) -> Self {
        Self { buffer: buffers.take(FULL), filled: 0 }
    }

    /// Takes what there is room for off the front of `chunk`.
    pub(super) fn fill(&mut self, chunk: &mut Bytes) {
        let size = chunk.len().min(FULL - self.filled);
        chunk.copy_to_slice(&mut self.buffer.as_mut()[self.filled..self.filled + size]);
        self.filled += size;
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == FULL
    }

    /// Writes everything at the end of the file. Blocking.
    pub(super) fn write_to(&self, mut file: &File) -> io::Result<()> {
        let mut left = &self.buffer.as_ref()[..self.filled];
        let mut direct = fcntl_getfl(file)?.contains(OFlags::DIRECT);
        while !left.is_empty() {
            let whole = left.len() - left.len() % ALIGNMENT;
            if direct && whole == 0 {
                direct = buffered(file)?;
            }
            match file.write(if direct { &left[..whole] } else { left }) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Another alignment is asked for here, or a write fell short and the rest is not aligned.
                Err(error) if direct && error.kind() == ErrorKind::InvalidInput => direct = buffered(file)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Writes to the file go past the page cache from now on, where the file system can do that.
pub(super) fn direct(file: &File) -> io::Result<()> {
    match fcntl_setfl(file, fcntl_getfl(file)? | OFlags::DIRECT) {
        Err(rustix::io::Errno::INVAL) => Ok(()),
        outcome => Ok(outcome?),
    }
}

fn buffered(file: &File) -> io::Result<bool> {
    fcntl_setfl(file, fcntl_getfl(file)? - OFlags::DIRECT)?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::pattern;

    #[test]
    fn the_file_is_the_chunks_in_order_whatever_their_sizes_and_wherever_it_ends() {
        for end in [0, 1, ALIGNMENT - 1, ALIGNMENT, FULL - 100] {
            for past_the_cache in [true, false] {
                let (buffers, mut written) = (Buffers::new(FULL), Vec::new());
                let file = tempfile::NamedTempFile::new().unwrap();
                if past_the_cache {
                    direct(file.as_file()).unwrap();
                }
                let mut batch = Batch::new(&buffers);
                for (seed, size) in [0, 1, 4_095, 4_096, 0, FULL, 3, 2 * FULL, end].into_iter().enumerate() {
                    let mut chunk = pattern(size, seed as u64);
                    written.extend_from_slice(&chunk);
                    while !chunk.is_empty() {
                        batch.fill(&mut chunk);
                        if batch.is_full() {
                            batch.write_to(file.as_file()).unwrap();
                            batch = Batch::new(&buffers);
                        }
                    }
                }
                batch.write_to(file.as_file()).unwrap();
                Batch::new(&buffers).write_to(file.as_file()).unwrap();
                assert!(std::fs::read(file.path()).unwrap() == written, "end {end}");
            }
        }
    }

    #[test]
    fn a_write_that_fell_short_of_the_alignment_goes_on() {
        let (buffers, bytes) = (Buffers::new(FULL), pattern(FULL, 1));
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(b"unaligned").unwrap();
        direct(file.as_file()).unwrap();
        let mut batch = Batch::new(&buffers);
        batch.fill(&mut bytes.clone());
        batch.write_to(file.as_file()).unwrap();
        assert!(std::fs::read(file.path()).unwrap() == [b"unaligned", &*bytes].concat());
    }
}
