//! Collects the chunks of a body until they are worth a blocking write, without copying the large ones.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Write};

use bytes::{Bytes, BytesMut};

/// A batch is written when it holds this many bytes. One more may be on its way to the disk: an upload holds twice this at most,
/// beyond the size of a single chunk.
const FULL: usize = 256 * 1024;
/// Chunks below this are copied together: a piece costs more than the copy of a small one.
const SMALL: usize = 4 * 1024;
/// Pieces of one write; below the 1,024 that one call takes.
const PIECES: usize = 512;

/// Chunks that wait to be written.
#[derive(Default)]
pub(super) struct Batch {
    pieces: Vec<Bytes>,
    small: BytesMut,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.bytes += chunk.len();
        if chunk.len() < SMALL {
            self.small.extend_from_slice(&chunk);
            return;
        }
        self.close_small();
        self.pieces.push(chunk);
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL || self.pieces.len() >= PIECES
    }

    fn close_small(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }

    /// Writes everything at the end of the file. Blocking.
    pub(super) fn write_to(mut self, mut file: &File) -> io::Result<()> {
        self.close_small();
        let mut slices: Vec<IoSlice<'_>> = self.pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        // Empty pieces at the front would make a write of nothing look like a full disk.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::pattern;

    #[test]
    fn the_file_is_the_chunks_in_order_whatever_their_sizes() {
        let mut written = Vec::new();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut batch = Batch::default();
        for (seed, size) in [0, 1, 4_095, 4_096, 0, 100_000, 3, 3, 50_000, 1].into_iter().enumerate() {
            let chunk = pattern(size, seed as u64);
            written.extend_from_slice(&chunk);
            batch.push(chunk);
        }
        assert!(!batch.is_full());
        batch.write_to(file.as_file()).unwrap();
        Batch::default().write_to(file.as_file()).unwrap();
        assert!(std::fs::read(file.path()).unwrap() == written);
    }

    #[test]
    fn a_batch_is_bounded_by_bytes_and_by_pieces() {
        let mut batch = Batch::default();
        batch.push(pattern(FULL - 1, 1));
        assert!(!batch.is_full());
        batch.push(pattern(1, 1));
        assert!(batch.is_full());
        let mut batch = Batch::default();
        for _ in 0..PIECES {
            assert!(!batch.is_full());
            batch.push(Bytes::from_static(&[0; SMALL]));
            batch.bytes = 0;
        }
        assert!(batch.is_full());
    }
}
