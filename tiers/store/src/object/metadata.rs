//! What a client says of a body besides its bytes.

use crate::error::Refusal;

/// System headers that are stored and given back as they came. The discriminants are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StandardHeader {
    /// `Cache-Control`
    CacheControl = 1,
    /// `Content-Disposition`
    ContentDisposition = 2,
    /// `Content-Encoding`, without `aws-chunked`
    ContentEncoding = 3,
    /// `Content-Language`
    ContentLanguage = 4,
    /// `Expires`, as text
    Expires = 5,
    /// `x-amz-storage-class`, if it is not STANDARD
    StorageClass = 6,
    /// `x-amz-website-redirect-location`
    WebsiteRedirect = 7,
}

impl StandardHeader {
    /// The header stored as `code`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        use StandardHeader as H;
        [
            H::CacheControl,
            H::ContentDisposition,
            H::ContentEncoding,
            H::ContentLanguage,
            H::Expires,
            H::StorageClass,
            H::WebsiteRedirect,
        ]
        .into_iter()
        .find(|header| *header as u8 == code)
    }
}

/// Headers and user metadata of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `Content-Type`; `None` is answered as `binary/octet-stream`.
    pub content_type: Option<String>,
    /// Other system headers, sorted, at most one of each.
    pub headers: Vec<(StandardHeader, String)>,
    /// `x-amz-meta-*`: names without the prefix in lower case, sorted, with their values.
    pub user: Vec<(String, String)>,
}

impl Metadata {
    /// Most bytes of user metadata, names and values (S3 user guide, "Working with object metadata").
    pub const MAX_USER: usize = 2_048;
    /// Most bytes of all headers together.
    pub const MAX_HEADERS: usize = 8_192;

    /// Checks the limits on sizes.
    ///
    /// # Errors
    /// [`Refusal::MetadataTooLarge`].
    pub fn check(&self) -> Result<(), Refusal> {
        let user: usize = self.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        let headers: usize = self.headers.iter().map(|(_, value)| value.len()).sum();
        let content_type = self.content_type.as_ref().map_or(0, String::len);
        if user > Self::MAX_USER || headers + content_type > Self::MAX_HEADERS {
            return Err(Refusal::MetadataTooLarge);
        }
        Ok(())
    }

    /// The value of one system header.
    #[must_use]
    pub fn header(&self, header: StandardHeader) -> Option<&str> {
        self.headers.iter().find(|(h, _)| *h == header).map(|(_, value)| value.as_str())
    }
}
