//! The request as s3s sees it: without a signature and without framing. What is not named here stays as it was.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};

use super::super::Refusal;

/// Leaves of the query what `keep` leaves of it: the signature of a presigned request is taken out.
///
/// # Errors
/// `InvalidRequest`, should the rest not be a URI; it always is.
pub(crate) fn unsign_query(
    parts: &mut Parts,
    keep: impl FnOnce(&str) -> Option<String>,
) -> Result<(), Refusal> {
    let Some(text) = parts.uri.query() else { return Ok(()) };
    let path = parts.uri.path();
    let rest = keep(text).map_or_else(|| path.to_owned(), |rest| format!("{path}?{rest}"));
    const INVALID: Refusal = Refusal::InvalidRequest("Couldn't parse the specified URI.");
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.path_and_query = Some(PathAndQuery::try_from(rest).map_err(|_invalid| INVALID)?);
    parts.uri = http::Uri::from_parts(uri).map_err(|_invalid| INVALID)?;
    Ok(())
}

/// Takes out what the guard has dealt with. `length` is that of the decoded body, `None` if the request has no body and
/// named no length.
pub(crate) fn headers(headers: &mut HeaderMap, length: Option<u64>) {
    headers.remove(AUTHORIZATION);
    headers.remove(TRANSFER_ENCODING);
    headers.remove("x-amz-decoded-content-length");
    headers.remove("x-amz-trailer");
    headers.insert("x-amz-content-sha256", HeaderValue::from_static("UNSIGNED-PAYLOAD"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    remove_aws_chunked(headers);
}

/// Whether `content-encoding` names the framing of S3.
pub(crate) fn names_aws_chunked(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| codings(value).any(is_aws_chunked))
}

fn remove_aws_chunked(headers: &mut HeaderMap) {
    if !names_aws_chunked(headers) {
        return;
    }
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let kept: Vec<&[u8]> = values.flat_map(codings).filter(|coding| !is_aws_chunked(coding)).collect();
    match HeaderValue::from_bytes(&kept.join(&b","[..])) {
        Ok(value) if !kept.is_empty() => drop(headers.insert(CONTENT_ENCODING, value)),
        _ => drop(headers.remove(CONTENT_ENCODING)),
    }
}

fn codings(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|coding| !coding.is_empty())
}

fn is_aws_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"aws-chunked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn aws_chunked_is_taken_out_of_the_content_encoding() {
        for (sent, wanted) in [
            (&["aws-chunked"][..], None),
            (&["gzip,aws-chunked"], Some("gzip")),
            (&["AWS-Chunked, gzip , br"], Some("gzip,br")),
            (&["gzip", "aws-chunked"], Some("gzip")),
            (&["gzip"], Some("gzip")),
            (&[""], Some("")),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for value in sent {
                map.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            headers(&mut map, Some(3));
            let left: Vec<_> =
                map.get_all(CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(left, Vec::from_iter(wanted), "{sent:?}");
        }
    }

    #[test]
    fn what_the_guard_does_not_own_stays_as_it_was() {
        let kept = [
            ("expect", "100-continue"),
            ("range", "bytes=0-9"),
            ("if-none-match", "*"),
            ("x-amz-meta-a", "v"),
            ("x-amz-copy-source", "/b/k"),
            ("x-amz-checksum-crc32", "AAAAAA=="),
            ("content-md5", "x"),
            ("host", "h"),
        ];
        let gone = ["authorization", "transfer-encoding", "x-amz-decoded-content-length", "x-amz-trailer"];
        let mut map = HeaderMap::new();
        kept.iter().for_each(|&(name, value)| drop(map.insert(name, HeaderValue::from_static(value))));
        gone.iter().for_each(|&name| drop(map.insert(name, HeaderValue::from_static("1"))));
        headers(&mut map, Some(3));
        kept.iter().for_each(|&(name, value)| assert_eq!(map[name], value));
        gone.iter().for_each(|&name| assert!(!map.contains_key(name), "{name}"));
        assert_eq!(
            (&map["content-length"], &map["x-amz-content-sha256"]),
            (&HeaderValue::from_static("3"), &HeaderValue::from_static("UNSIGNED-PAYLOAD"))
        );
        assert_eq!(map.len(), kept.len() + 2);
    }

    #[test]
    fn a_presigned_uri_loses_its_signature_and_keeps_the_rest() {
        for (sent, wanted) in [
            ("/b/k?x-id=G&X-Amz-Signature=1&versionId=a%2Bb", "/b/k?x-id=G&versionId=a%2Bb"),
            ("/b/k%20?X-Amz-Signature=1", "/b/k%20"),
            ("http://h:1/b?X-Amz-Date=1&a", "http://h:1/b?a"),
        ] {
            let (mut parts, ()) = Request::get(sent).body(()).unwrap().into_parts();
            unsign_query(&mut parts, crate::auth::guard::query::without_signature).unwrap();
            assert_eq!(parts.uri.to_string(), wanted);
        }
    }
}
