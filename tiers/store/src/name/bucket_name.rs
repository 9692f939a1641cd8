//! Bucket names.

use std::fmt;
use std::sync::Arc;

use crate::error::Refusal;

/// A bucket's name: 3 to 63 bytes of lower-case letters, digits, `.` and `-`, beginning and ending with a letter or digit, labels
/// not empty, not shaped like an IPv4 address, none of the reserved prefixes and suffixes
/// (S3 user guide, "General purpose bucket naming rules").
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(Arc<str>);

impl BucketName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Refusal::InvalidBucketName`].
    pub fn new(name: &str) -> Result<Self, Refusal> {
        if is_valid(name) { Ok(Self(name.into())) } else { Err(Refusal::InvalidBucketName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_valid(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_s3() {
        for good in ["abc", "a.b-c", "0ab", &"a".repeat(63), "192.168.0.1.x"] {
            assert!(BucketName::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            ".ab",
            "192.168.0.1",
            "xn--abc",
            "abc-s3alias",
            "a/b",
            "ab\0",
        ] {
            assert_eq!(BucketName::new(bad).unwrap_err(), Refusal::InvalidBucketName, "{bad}");
        }
        assert!(BucketName::new(&"a".repeat(64)).is_err());
    }
}
