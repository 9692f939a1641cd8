//! Object keys.

use bytes::Bytes;
use std::fmt;

use crate::error::Refusal;

/// An object's key: 1 to 1,024 bytes, compared as bytes, never a path. `x`, `x/`, `x/y`, `//` are four keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Bytes);

impl ObjectKey {
    /// Longest key in bytes (S3 user guide, "Object key naming guidelines").
    pub const MAX: usize = 1_024;

    /// Checks a key.
    ///
    /// # Errors
    /// [`Refusal::KeyTooLong`], or [`Refusal::InvalidArgument`] for an empty one.
    pub fn new(key: impl Into<Bytes>) -> Result<Self, Refusal> {
        let key = key.into();
        match key.len() {
            0 => Err(Refusal::InvalidArgument("an object key must not be empty")),
            1..=Self::MAX => Ok(Self(key)),
            _ => Err(Refusal::KeyTooLong),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_one_to_1024_bytes_of_anything() {
        assert!(ObjectKey::new("a//../b\0").is_ok());
        assert!(ObjectKey::new(vec![b'k'; 1_024]).is_ok());
        assert_eq!(ObjectKey::new(vec![b'k'; 1_025]).unwrap_err(), Refusal::KeyTooLong);
        assert!(matches!(ObjectKey::new("").unwrap_err(), Refusal::InvalidArgument(_)));
    }
}
