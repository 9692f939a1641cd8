//! System headers and user metadata, in both directions. Values are kept as they came, byte for byte: S3 decodes nothing, and clients
//! that encode (RFC 2047) decode.

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use terrace_store::object::{Metadata, StandardHeader};

use super::text;
use crate::s3::error::{Result, protocol};

/// Prefix of user metadata.
pub(crate) const USER_PREFIX: &str = "x-amz-meta-";

/// `x-amz-storage-class`.
pub(crate) const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-amz-storage-class");

const WEBSITE_REDIRECT: HeaderName = HeaderName::from_static("x-amz-website-redirect-location");

/// Storage classes of S3 general purpose buckets (S3 API, `PutObject`). They are recorded and shown; all are stored alike.
const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

/// In the order of [`StandardHeader`], in which they are stored.
const HEADERS: [(StandardHeader, HeaderName); 7] = [
    (StandardHeader::CacheControl, CACHE_CONTROL),
    (StandardHeader::ContentDisposition, CONTENT_DISPOSITION),
    (StandardHeader::ContentEncoding, CONTENT_ENCODING),
    (StandardHeader::ContentLanguage, CONTENT_LANGUAGE),
    (StandardHeader::Expires, EXPIRES),
    (StandardHeader::StorageClass, STORAGE_CLASS),
    (StandardHeader::WebsiteRedirect, WEBSITE_REDIRECT),
];

/// What a request says of a body. Limits on sizes are the store's to check.
///
/// # Errors
/// `InvalidArgument` for what is not UTF-8, `InvalidStorageClass` for one that does not exist.
pub(crate) fn read(headers: &HeaderMap) -> Result<Metadata> {
    let mut metadata = Metadata::default();
    if headers.is_empty() {
        return Ok(metadata);
    }
    metadata.content_type = text(headers, &CONTENT_TYPE)?;
    for (header, name) in &HEADERS {
        match text(headers, name)? {
            Some(value) if *header == StandardHeader::StorageClass => {
                if !STORAGE_CLASSES.contains(&value.as_str()) {
                    return Err(protocol(
                        "InvalidStorageClass",
                        StatusCode::BAD_REQUEST,
                        "The storage class you specified is not valid",
                    )
                    .into());
                }
                if value != "STANDARD" {
                    metadata.headers.push((*header, value));
                }
            }
            Some(value) => metadata.headers.push((*header, value)),
            None => {}
        }
    }
    for name in headers.keys() {
        if let Some(user) = name.as_str().strip_prefix(USER_PREFIX)
            && !user.is_empty()
        {
            metadata.user.push((user.to_owned(), text(headers, name)?.unwrap_or_default()));
        }
    }
    metadata.user.sort_unstable();
    Ok(metadata)
}

/// Puts metadata into the headers of an answer.
pub(crate) fn show(headers: &mut HeaderMap, metadata: Metadata) {
    let content_type = match metadata.content_type {
        Some(content_type) => HeaderValue::try_from(content_type).ok(),
        None => None,
    };
    headers.insert(CONTENT_TYPE, content_type.unwrap_or(HeaderValue::from_static("binary/octet-stream")));
    for (header, value) in metadata.headers {
        let name = HEADERS.iter().find(|(listed, _)| *listed == header).map(|(_, name)| name.clone());
        if let (Some(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    for (name, value) in metadata.user {
        let name = HeaderName::try_from([USER_PREFIX, &name].concat());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::error::Problem;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    #[test]
    fn metadata_comes_back_byte_for_byte() {
        let sent = headers(&[
            ("content-type", "text/plain; charset=ü"),
            ("cache-control", "no-cache"),
            ("content-disposition", "attachment; filename=\"ä b.txt\""),
            ("content-encoding", "gzip"),
            ("content-language", "de"),
            ("expires", "whenever"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-website-redirect-location", "/other"),
            ("x-amz-meta-b", "=?UTF-8?B?w6Q=?="),
            ("x-amz-meta-a", "ä=; x"),
            ("x-amz-meta-empty", ""),
        ]);
        let metadata = read(&sent).unwrap();
        assert!(metadata.headers.is_sorted() && metadata.headers.len() == 7);
        assert_eq!(
            metadata.user.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["a", "b", "empty"]
        );
        let mut shown = HeaderMap::new();
        show(&mut shown, metadata);
        assert_eq!(shown, sent);
    }

    #[test]
    fn what_is_not_said_has_its_default_and_standard_is_not_said() {
        assert_eq!(read(&HeaderMap::new()).unwrap(), Metadata::default());
        let quiet = headers(&[
            ("x-amz-storage-class", "STANDARD"),
            ("expires", ""),
            ("x-amz-meta-", "nameless"),
            ("x-amz-acl", "private"),
        ]);
        assert_eq!(read(&quiet).unwrap(), Metadata::default());
        let mut shown = HeaderMap::new();
        show(&mut shown, Metadata::default());
        assert_eq!(shown, headers(&[("content-type", "binary/octet-stream")]));
    }

    #[test]
    fn a_storage_class_that_does_not_exist_is_refused() {
        let unknown = headers(&[("x-amz-storage-class", "FAST")]);
        let Err(Problem::Protocol(refused)) = read(&unknown) else { panic!("accepted") };
        assert_eq!(refused.code().as_str(), "InvalidStorageClass");
    }
}
