//! Ids that the store mints.

use std::fmt;

use crate::error::Refusal;

/// Names one body, one upload part or one operation, for ever: a uuid v7, big-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub [u8; 16]);

impl Revision {
    /// The byte that spreads keys of bodies over the key space: the last one, which is random in a uuid v7.
    #[must_use]
    pub fn spread(self) -> u8 {
        self.0[15]
    }

    /// When it was minted, in milliseconds since the epoch (RFC 9562, section 5.7).
    #[must_use]
    pub fn minted_ms(self) -> u64 {
        let [a, b, c, d, e, f, ..] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 32];
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Id of a multipart upload: a uuid v7, shown to clients as 32 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub Revision);

impl UploadId {
    /// Reads the form that clients hold.
    ///
    /// # Errors
    /// [`Refusal::NoSuchUpload`]: what was not minted here names no upload.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).map_err(|_| Refusal::NoSuchUpload)?;
        Ok(Self(Revision(id)))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Id of a bucket, never reused: a bucket made again under the same name has another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(pub u64);

impl fmt::Debug for BucketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One process start: 8 random bytes. A restarted process is another node, so that no zombie speaks for its successor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub [u8; 8]);

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_id_reads_back_what_it_shows_and_nothing_else() {
        let id = UploadId(Revision([7; 16]));
        assert_eq!(id.to_string(), "07".repeat(16));
        assert_eq!(UploadId::parse(&id.to_string()).unwrap(), id);
        for bad in ["", "x", &"0".repeat(31), &"g".repeat(32), &"0".repeat(34)] {
            assert_eq!(UploadId::parse(bad).unwrap_err(), Refusal::NoSuchUpload);
        }
    }

    #[test]
    fn a_revision_tells_when_it_was_minted() {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&1_700_000_000_123_u64.to_be_bytes()[2..]);
        assert_eq!(Revision(id).minted_ms(), 1_700_000_000_123);
    }
}
