//! ETags.

use std::fmt;

use crate::name::Revision;

/// An ETag: `"<32 hex of the body's revision>-<parts>"`. It identifies the bytes, and its dash keeps clients from taking it for an MD5
/// (data model, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ETag {
    /// Revision of the body.
    pub body: Revision,
    /// Number of parts; 1 for what was not a multipart upload.
    pub parts: u32,
}

impl ETag {
    /// Without quotes, as attributes and part lists show it.
    #[must_use]
    pub fn bare(self) -> String {
        format!("{}-{}", self.body, self.parts)
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
        let (hex_digits, parts) = bare.split_once('-')?;
        let mut body = [0; 16];
        hex::decode_to_slice(hex_digits, &mut body).ok()?;
        Some(Self { body: Revision(body), parts: parts.parse().ok()? })
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}-{}\"", self.body, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_matches_itself_with_and_without_quotes_and_nothing_else() {
        let etag = ETag { body: Revision([0xAB; 16]), parts: 3 };
        let bare = format!("{}-3", "ab".repeat(16));
        assert_eq!(etag.to_string(), format!("\"{bare}\""));
        assert!(etag.matches(&bare) && etag.matches(&format!(" \"{bare}\"")));
        for other in
            ["", "*", "\"\"", &"ab".repeat(16), &format!("W/\"{bare}\""), &format!("{}-2", "ab".repeat(16))]
        {
            assert!(!etag.matches(other), "{other}");
        }
    }
}
