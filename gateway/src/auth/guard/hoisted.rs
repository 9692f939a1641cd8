//! `x-amz-*` headers that a presigner moved into the query. AWS honours them there (JS and Go SDKs put metadata, tags and
//! the copy source there); the query is signed as a whole, so they are as trustworthy as signed headers.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::super::Refusal;
use super::query::{Query, SIGNING};

/// Copies such parameters to headers, where no header of that name is present. Checksums stay in the query, where nobody
/// looks: SDKs presign the checksum of an empty body.
///
/// # Errors
/// `InvalidArgument` for a value that no header can hold, or one that occurs twice.
pub(crate) fn to_headers(parts: &mut Parts) -> Result<(), Refusal> {
    const INVALID: Refusal = Refusal::InvalidArgument("An x-amz- query parameter is not a valid header.");
    let query = Query::parse(parts.uri.query().unwrap_or(""));
    for (name, value) in query.pairs() {
        if !name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-")) || is_exempt(name) {
            continue;
        }
        let name = HeaderName::from_bytes(name).map_err(|_invalid| INVALID)?;
        let value = HeaderValue::from_bytes(value).map_err(|_invalid| INVALID)?;
        let header = parts.headers.entry(name).or_insert_with(|| value.clone());
        if *header != value {
            return Err(INVALID);
        }
    }
    Ok(())
}

fn is_exempt(name: &[u8]) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let own = [
        "x-amz-content-sha256",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-decoded-content-length",
        "x-amz-trailer",
    ];
    let checksum = std::str::from_utf8(name).ok().and_then(crate::auth::checksum::of_header);
    SIGNING.into_iter().any(is) || own.into_iter().any(is) || checksum.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn hoisted(query: &str) -> Result<Parts, Refusal> {
        let request = Request::put(format!("/b/k?{query}")).header("x-amz-acl", "private");
        let mut parts = request.body(()).unwrap().into_parts().0;
        to_headers(&mut parts).map(|()| parts)
    }

    #[test]
    fn metadata_and_the_copy_source_become_headers() {
        let parts = hoisted("X-Amz-Meta-Name=a%20b&x-amz-copy-source=%2Fb%2Fk&x-id=1&versionId=2").unwrap();
        assert_eq!(parts.headers["x-amz-meta-name"], "a b");
        assert_eq!(parts.headers["x-amz-copy-source"], "/b/k");
        assert_eq!(parts.headers.len(), 3);
    }

    #[test]
    fn checksums_and_the_signature_do_not() {
        let query = "x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&X-Amz-Date=1&X-Amz-Expires=2\
                     &X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-trailer=x";
        assert_eq!(hoisted(query).unwrap().headers.len(), 1);
    }

    #[test]
    fn a_value_that_contradicts_itself_or_is_no_header_is_refused() {
        for query in
            ["x-amz-acl=public-read", "x-amz-meta-a=1&x-amz-meta-a=2", "x-amz-meta-a=%0A", "x-amz-%20=1"]
        {
            assert!(matches!(hoisted(query), Err(Refusal::InvalidArgument(_))), "{query}");
        }
        assert!(hoisted("x-amz-acl=private").is_ok());
    }
}
