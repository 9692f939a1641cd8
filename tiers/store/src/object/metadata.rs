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

/// What a copy that keeps its source's metadata says of its own. Neither of the two is copied (S3 API, `CopyObject`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedMetadata {
    /// `x-amz-storage-class`; without one the copy is `STANDARD`.
    pub storage_class: Option<String>,
    /// `x-amz-website-redirect-location`; without one the copy has none.
    pub website_redirect: Option<String>,
}

impl CopiedMetadata {
    /// The metadata of a copy of what has `source`.
    #[must_use]
    pub fn over(&self, mut source: Metadata) -> Metadata {
        use StandardHeader as H;
        source.headers.retain(|(header, _)| !matches!(header, H::StorageClass | H::WebsiteRedirect));
        let class = self.storage_class.as_ref().filter(|class| *class != "STANDARD");
        for (header, value) in
            [(H::StorageClass, class), (H::WebsiteRedirect, self.website_redirect.as_ref())]
        {
            source.headers.extend(value.map(|value| (header, value.clone())));
        }
        source
    }

    /// Whether a copy onto itself with this changes anything in the eyes of S3: it names something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
