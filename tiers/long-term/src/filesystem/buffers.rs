//! Buffers for reading and writing, used again: fresh memory for each chunk costs more page faults than a copy costs time.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// Buffers that are kept while nobody uses them; more are made and dropped as needed.
const KEPT: usize = 32;
/// What the address of a buffer is a multiple of, in bytes, as writes past the page cache need it.
pub(super) const ALIGNMENT: usize = 4096;

/// Buffers of one size.
pub(super) struct Buffers {
    size: usize,
    free: Mutex<Vec<Box<[u8]>>>,
}

/// A buffer that goes home when it is dropped.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    used: usize,
    home: Option<Arc<Buffers>>,
}

impl Buffers {
    /// Buffers of `size` bytes each; at most [`KEPT`] of them are kept.
    pub(super) fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { size, free: Mutex::default() })
    }

    /// A buffer of `used` bytes, of any content. A small one, or one that is too large to be kept, is made for the purpose.
    pub(super) fn take(self: &Arc<Self>, used: usize) -> Buffer {
        if used > self.size || used < self.size / 4 {
            return Buffer::new(allocate(used), used, None);
        }
        let kept = self.free.lock().pop();
        Buffer::new(kept.unwrap_or_else(|| allocate(self.size)), used, Some(Arc::clone(self)))
    }
}

/// Room for `size` bytes from an aligned address on.
fn allocate(size: usize) -> Box<[u8]> {
    vec![0; size + ALIGNMENT].into()
}

impl Buffer {
    fn new(bytes: Box<[u8]>, used: usize, home: Option<Arc<Buffers>>) -> Self {
        let start = bytes.as_ptr().addr().next_multiple_of(ALIGNMENT) - bytes.as_ptr().addr();
        Self { bytes, start, used, home }
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.used]
    }

    /// The same bytes, not copied.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.used]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            let mut free = home.free.lock();
            if free.len() < KEPT {
                free.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again_and_few_are_kept() {
        let buffers = Buffers::new(1_000);
        let mut buffer = buffers.take(900);
        buffer.as_mut().fill(7);
        let bytes = buffer.freeze();
        assert_eq!(bytes, [7; 900].as_slice());
        let address = bytes.as_ptr();
        assert!(address.addr().is_multiple_of(ALIGNMENT));
        drop(bytes);
        let again = buffers.take(1_000);
        assert_eq!(again.as_ref().as_ptr(), address);
        let many: Vec<_> = (0..100).map(|_| buffers.take(1_000)).collect();
        drop((again, many));
        assert_eq!(buffers.free.lock().len(), KEPT);
    }
}
