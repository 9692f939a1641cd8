//! What a request brings that s3s must not see, and what is refused before it is routed.
//!
//! s3s reads headers more strictly than S3: it answers 400 to a list of ETags, to a `Range` that S3 ignores, to an `Expires` that is not
//! a date, to metadata in UTF-8. Such headers are taken off the request, and the operations read them as they came. What is not honoured
//! is refused here once, for all operations, so that none forgets.

use std::borrow::Cow;
use std::sync::LazyLock;

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use s3s::S3Error;
use terrace_store::Refusal;

use super::error;
use super::translate::metadata::USER_PREFIX;

/// Header of a copy's source. s3s routes by its presence and reads it wrongly (`+`), so it keeps the name with another value.
pub(crate) const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");

/// S3 answers so to a preflight of a bucket without rules, whether the bucket is there or not.
fn preflight(headers: &HeaderMap) -> S3Error {
    let said = |name: HeaderName| headers.get(name).is_some_and(|value| !value.is_empty());
    if said(ORIGIN) && said(ACCESS_CONTROL_REQUEST_METHOD) {
        let message = "CORSResponse: CORS is not enabled for this bucket.";
        return error::protocol("AccessForbidden", StatusCode::FORBIDDEN, message);
    }
    let message =
        "Insufficient information. Origin and Access-Control-Request-Method request headers needed.";
    error::protocol("BadRequest", StatusCode::BAD_REQUEST, message)
}

/// The headers that were taken off the request.
#[derive(Clone)]
struct Received(HeaderMap);

/// Headers of the request that s3s did not see: metadata, conditions, ranges, the copy's source.
pub(crate) fn received(extensions: &Extensions) -> &HeaderMap {
    static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
    extensions.get::<Received>().map_or(&NONE, |received| &received.0)
}

/// Readies a request for s3s.
///
/// # Errors
/// `NotImplemented` for what is not honoured; `AccessForbidden` for a browser that asks whether it may: no bucket has CORS rules.
pub(crate) fn prepare(parts: &mut Parts) -> error::Result<()> {
    if parts.method == Method::OPTIONS {
        return Err(preflight(&parts.headers).into());
    }
    let mut taken: Vec<HeaderName> = Vec::new();
    for (name, value) in &parts.headers {
        refuse_header(&parts.method, name.as_str(), value)?;
        if is_received(name.as_str()) && !taken.contains(name) {
            taken.push(name.clone());
        }
    }
    if let Some(query) = parts.uri.query() {
        refuse_query(&parts.method, query)?;
    }
    if !taken.is_empty() {
        let received = take(&mut parts.headers, taken);
        parts.extensions.insert(Received(received));
    }
    Ok(())
}

fn take(headers: &mut HeaderMap, names: Vec<HeaderName>) -> HeaderMap {
    let mut received = HeaderMap::with_capacity(names.len());
    for name in names {
        for value in headers.get_all(&name) {
            received.append(name.clone(), value.clone());
        }
        headers.remove(&name);
    }
    if received.contains_key(COPY_SOURCE) {
        headers.insert(COPY_SOURCE, HeaderValue::from_static("see/received"));
    }
    received
}

fn is_received(name: &str) -> bool {
    matches!(
        name,
        "cache-control"
            | "content-disposition"
            | "content-encoding"
            | "content-language"
            | "content-type"
            | "expires"
            | "if-match"
            | "if-modified-since"
            | "if-none-match"
            | "if-range"
            | "if-unmodified-since"
            | "range"
            | "x-amz-copy-source"
            | "x-amz-copy-source-range"
            | "x-amz-if-match-last-modified-time"
            | "x-amz-if-match-size"
            | "x-amz-storage-class"
            | "x-amz-website-redirect-location"
    ) || name.starts_with(USER_PREFIX)
        || name.starts_with("x-amz-copy-source-if-")
}

/// Headers that ask for what is not there. An empty header asks for nothing.
fn refuse_header(method: &Method, name: &str, value: &HeaderValue) -> Result<(), Refusal> {
    let Some(amz) = name.strip_prefix("x-amz-") else { return Ok(()) };
    let harmless: &[&[u8]] = match amz {
        "acl" => &[b"private", b"bucket-owner-full-control"],
        "bucket-object-lock-enabled" => &[b"false", b"False"],
        "object-ownership" => &[b"BucketOwnerEnforced"],
        "server-side-encryption-bucket-key-enabled" => &[b"false", b"False"],
        "checksum-algorithm" | "sdk-checksum-algorithm" => return refuse_checksum(value),
        "if-match-last-modified-time" | "if-match-size" if method == Method::DELETE => return Ok(()),
        "tagging"
        | "write-offset-bytes"
        | "if-match-last-modified-time"
        | "if-match-size"
        | "if-match-initiated-time" => &[],
        _ if amz.starts_with("server-side-encryption")
            || amz.starts_with("copy-source-server-side-encryption")
            || amz.starts_with("object-lock-")
            || amz.starts_with("grant-") =>
        {
            &[]
        }
        _ => return Ok(()),
    };
    if value.is_empty() || harmless.contains(&value.as_bytes()) {
        return Ok(());
    }
    Err(Refusal::NotImplemented(match amz {
        "acl" => "access control lists",
        "tagging" => "tags",
        "write-offset-bytes" => "appending to objects",
        "object-ownership" => "object ownership other than BucketOwnerEnforced",
        "bucket-object-lock-enabled" => "object lock",
        "if-match-last-modified-time" | "if-match-size" | "if-match-initiated-time" => {
            "conditions on time and size"
        }
        _ if amz.starts_with("grant-") => "access control lists",
        _ if amz.starts_with("object-lock-") => "object lock",
        _ => "server-side encryption",
    }))
}

/// An algorithm that is not known is not computed: its checksum would be passed over.
fn refuse_checksum(value: &HeaderValue) -> Result<(), Refusal> {
    let known = |name: &str| value.as_bytes().eq_ignore_ascii_case(name.as_bytes());
    if value.is_empty() || ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"].into_iter().any(known) {
        return Ok(());
    }
    Err(Refusal::InvalidRequest("Checksum algorithm provided is unsupported."))
}

/// Sub-resources of S3 that s3s does not route. It would take them for the plain operation, and write, or delete, or list, what was not
/// meant.
const UNROUTED: [&str; 9] = [
    "abac",
    "annotation",
    "encryption",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "renameObject",
    "restore",
    "torrent",
];

/// Sub-resources that s3s routes, each for some methods and for a bucket or an object only.
const ROUTED: [&str; 33] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "retention",
    "select",
    "session",
    "tagging",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Names of a query's parameters, decoded.
fn names(query: &str) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    names.map(|name| percent_decode_str(name).into())
}

fn refuse_query(method: &Method, query: &str) -> Result<(), Refusal> {
    let routed: &[&str] = match *method {
        Method::HEAD => return Ok(()),
        Method::GET => &["encryption", "torrent", "restore"],
        Method::POST => &["restore"],
        _ => &[],
    };
    for name in names(query) {
        if UNROUTED.iter().any(|known| known.as_bytes() == &*name && !routed.contains(known)) {
            return Err(Refusal::NotImplemented("this sub-resource"));
        }
    }
    Ok(())
}

/// Checks that a request which s3s took for the plain operation on a bucket or an object names no sub-resource: `DELETE /bucket/key?acl` is
/// no DeleteObject. `besides`: parameters that the operation has.
///
/// # Errors
/// `MethodNotAllowed`.
pub(crate) fn plain(uri: &Uri, besides: &[&str]) -> error::Result<()> {
    let Some(query) = uri.query() else { return Ok(()) };
    let known = |name: &[u8]| {
        let mut all = ROUTED.iter().chain(&UNROUTED).filter(|known| !besides.contains(*known));
        all.any(|known| known.as_bytes() == name)
    };
    if names(query).any(|name| known(&name)) {
        let message = error::message("MethodNotAllowed");
        return Err(error::protocol("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED, message).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_is_not_honoured_is_refused() {
        for (name, value) in [
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            ("x-amz-copy-source-server-side-encryption-customer-key", "k"),
            ("x-amz-acl", "public-read"),
            ("x-amz-grant-read", "id=1"),
            ("x-amz-object-lock-mode", "GOVERNANCE"),
            ("x-amz-object-lock-legal-hold", "ON"),
            ("x-amz-bucket-object-lock-enabled", "true"),
            ("x-amz-object-ownership", "ObjectWriter"),
            ("x-amz-tagging", "a=b"),
            ("x-amz-write-offset-bytes", "5"),
            ("x-amz-if-match-size", "5"),
        ] {
            let refused = prepare(&mut parts(Method::PUT, "/b/k", &[(name, value)]));
            let refused = error::document_of(refused.unwrap_err());
            assert_eq!(refused.code().as_str(), "NotImplemented", "{name}: {value}");
        }
        for uri in [
            "/b/k?renameObject",
            "/b/k?%72enameObject=",
            "/b/k?encryption=",
            "/b?metadataConfiguration&x=1",
            "/b/k?torrent",
        ] {
            for method in [Method::PUT, Method::DELETE] {
                assert!(prepare(&mut parts(method, uri, &[])).is_err(), "{uri}");
            }
        }
        assert!(prepare(&mut parts(Method::GET, "/b?abac", &[])).is_err());
    }

    #[test]
    fn what_is_harmless_passes() {
        for (name, value) in [
            ("x-amz-acl", "private"),
            ("x-amz-acl", ""),
            ("x-amz-acl", "bucket-owner-full-control"),
            ("x-amz-bucket-object-lock-enabled", "false"),
            ("x-amz-object-ownership", "BucketOwnerEnforced"),
            ("x-amz-tagging", ""),
            ("x-amz-tagging-directive", "COPY"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
            ("x-amz-sdk-checksum-algorithm", "crc64nvme"),
            ("x-amz-server-side-encryption-bucket-key-enabled", "false"),
            ("x-amz-request-payer", "requester"),
            ("x-amz-user-agent", "x"),
        ] {
            assert!(prepare(&mut parts(Method::PUT, "/b/k", &[(name, value)])).is_ok(), "{name}: {value}");
        }
        assert!(prepare(&mut parts(Method::GET, "/b?encryption", &[])).is_ok());
        assert!(prepare(&mut parts(Method::PUT, "/b?encryptions&x=encryption", &[])).is_ok());
    }

    #[test]
    fn a_sub_resource_is_not_the_plain_operation() {
        for uri in ["/b/k?acl", "/b?versionId=1&%61cl", "/b/k?encryption", "/b?uploads="] {
            assert!(plain(&uri.parse().unwrap(), &["versionId"]).is_err(), "{uri}");
        }
        for uri in ["/b/k", "/b/k?", "/b/k?versionId=1&x-id=DeleteObject", "/b?x=acl", "/b?acls"] {
            assert!(plain(&uri.parse().unwrap(), &["versionId"]).is_ok(), "{uri}");
        }
    }

    #[test]
    fn headers_that_s3s_misreads_are_received_all_of_them() {
        let mut parts = parts(
            Method::PUT,
            "/b/k",
            &[
                ("if-match", "\"a\""),
                ("if-match", "\"b\""),
                ("content-type", "x"),
                ("x-amz-meta-a", "1"),
                ("x-amz-copy-source", "b/a+b"),
                ("content-length", "0"),
            ],
        );
        prepare(&mut parts).unwrap();
        assert_eq!(parts.headers.len(), 2);
        assert_eq!(parts.headers["content-length"], "0");
        assert_eq!(parts.headers["x-amz-copy-source"], "see/received");
        let received = &parts.extensions.get::<Received>().unwrap().0;
        assert_eq!(received.get_all("if-match").iter().count(), 2);
        assert_eq!(received["x-amz-copy-source"], "b/a+b");
        assert_eq!(received["content-type"], "x");
        assert_eq!(received["x-amz-meta-a"], "1");
    }
}
