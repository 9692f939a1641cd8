//! Holds a body against the length that was announced for it.

use crate::blob::SizeHint;
use crate::error::{BlobError, BodyError};

/// A body was not as long as its size hint said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body has {seen} bytes or more, announced were {announced:?}")]
pub struct LengthMismatch {
    /// What was announced.
    pub announced: SizeHint,
    /// Bytes seen until it was clear that the length is wrong.
    pub seen: u64,
}

/// Counts a body as it passes.
#[derive(Debug)]
pub(crate) struct Length {
    announced: SizeHint,
    seen: u64,
}

impl Length {
    pub(crate) fn new(announced: SizeHint) -> Self {
        Self { announced, seen: 0 }
    }

    /// Counts a chunk; fails as soon as the body is longer than announced.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), BlobError> {
        self.seen = self.seen.saturating_add(bytes as u64);
        match self.announced {
            SizeHint::Exact(size) if self.seen > size => Err(self.mismatch()),
            SizeHint::Exact(_) | SizeHint::AtLeast(_) => Ok(()),
        }
    }

    /// The size of the body that has ended; fails if it is shorter than announced.
    pub(crate) fn end(&self) -> Result<u64, BlobError> {
        let (SizeHint::Exact(least) | SizeHint::AtLeast(least)) = self.announced;
        if self.seen < least { Err(self.mismatch()) } else { Ok(self.seen) }
    }

    fn mismatch(&self) -> BlobError {
        BlobError::body(BodyError::new(LengthMismatch { announced: self.announced, seen: self.seen }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_length_is_held_on_both_sides() {
        let mut length = Length::new(SizeHint::Exact(10));
        length.add(9).unwrap();
        assert!(length.end().is_err());
        length.add(1).unwrap();
        assert_eq!(length.end().unwrap(), 10);
        let error = length.add(1).unwrap_err().into_body_error().unwrap();
        let mismatch = error.source.downcast::<LengthMismatch>().unwrap();
        assert_eq!(*mismatch, LengthMismatch { announced: SizeHint::Exact(10), seen: 11 });
    }

    #[test]
    fn a_least_length_is_held_from_below_only() {
        let mut length = Length::new(SizeHint::AtLeast(10));
        length.add(9).unwrap();
        assert!(length.end().is_err());
        length.add(100).unwrap();
        assert_eq!(length.end().unwrap(), 109);
    }
}
