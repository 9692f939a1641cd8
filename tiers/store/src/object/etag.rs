//! ETags.

use std::fmt;

use crate::name::Revision;

/// What ETags are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ETagMode {
    /// The revision of the body.
    #[default]
    Revision,
    /// The MD5 of the body, as S3 makes them.
    Md5,
}

/// An ETag: 16 bytes in hex and, behind a dash, a number of parts.
///
/// `"<revision of the body>-<parts>"` by default; its dash keeps clients from taking it for an MD5 (data model, section 3). Where ETags
/// are made of MD5s it is that of S3: `"<MD5 of the body>"`, or `"<MD5 of the MD5s of the parts>-<parts>"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ETag {
    value: [u8; 16],
    parts: Option<u32>,
}

impl ETag {
    /// Of a body of `parts` parts, 1 for what was not a multipart upload.
    #[must_use]
    pub const fn of_revision(body: Revision, parts: u32) -> Self {
        Self { value: body.0, parts: Some(parts) }
    }

    /// Of an MD5; `parts` only for multipart uploads.
    #[must_use]
    pub fn of_md5(md5: [u8; 16], parts: Option<u32>) -> Self {
        Self { value: md5, parts }
    }

    /// Without quotes, as attributes and part lists show it.
    #[must_use]
    pub fn bare(self) -> Bare {
        Bare(self)
    }

    /// Whether `text`, with or without quotes, is this ETag. A weak form (`W/"…"`) never is: ETags here are strong.
    #[must_use]
    pub fn matches(self, text: &str) -> bool {
        let text = text.trim();
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Self::parse(bare) == Some(self)
    }

    /// Reads the bare form.
    #[must_use]
    pub fn parse(bare: &str) -> Option<Self> {
        let (hex_digits, parts) = match bare.split_once('-') {
            Some((hex_digits, parts)) => (hex_digits, Some(parts.parse().ok()?)),
            None => (bare, None),
        };
        let mut value = [0; 16];
        hex::decode_to_slice(hex_digits, &mut value).ok()?;
        Some(Self { value, parts })
    }
}

impl fmt::Display for ETag {
    /// With quotes, as headers show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bare())
    }
}

/// An ETag as text without quotes.
#[derive(Clone, Copy, Debug)]
pub struct Bare(ETag);

impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ETag { value, parts }) = self;
        Revision(*value).fmt(f)?;
        parts.map_or(Ok(()), |parts| write!(f, "-{parts}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_matches_itself_with_and_without_quotes_and_nothing_else() {
        let hex_digits = "ab".repeat(16);
        let of_parts = format!("{hex_digits}-3");
        for (etag, bare) in [
            (ETag::of_revision(Revision([0xAB; 16]), 3), &of_parts),
            (ETag::of_md5([0xAB; 16], Some(3)), &of_parts),
            (ETag::of_md5([0xAB; 16], None), &hex_digits),
        ] {
            assert_eq!((etag.to_string(), etag.bare().to_string()), (format!("\"{bare}\""), bare.clone()));
            assert!(etag.matches(bare) && etag.matches(&format!(" \"{bare}\"")));
            let weak = format!("W/\"{bare}\"");
            let others = ["", "*", "\"\"", "-3", &weak, &hex_digits[1..], &of_parts, &hex_digits];
            for other in others.into_iter().filter(|other| other != bare) {
                assert!(!etag.matches(other), "{other}");
            }
        }
    }
}
