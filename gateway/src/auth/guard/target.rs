//! What a request is addressed to, as far as it can be said before routing.

use std::borrow::Cow;

use http::request::Parts;
use http::{Version, header};
use percent_encoding::percent_decode_str;
use s3s::host::S3Host as _;

use crate::server::Domain;

/// Bucket or object, path-style or virtual-hosted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The bucket, where the host names it.
    pub(crate) host_bucket: Option<String>,
    /// Whether the path names an object.
    pub(crate) has_key: bool,
}

impl Target {
    /// Reads host and path. `domain`: below which hosts name buckets.
    pub(crate) fn of(parts: &Parts, domain: Option<&Domain>) -> Self {
        // As s3s does: in HTTP/1 the host is that of its header, whatever the request line names.
        let host = match (parts.headers.get(header::HOST), parts.version) {
            (Some(host), _) => host.to_str().ok(),
            (None, Version::HTTP_2 | Version::HTTP_3) => {
                parts.uri.authority().map(http::uri::Authority::as_str)
            }
            (None, _) => None,
        };
        let host_bucket = domain.zip(host).and_then(|(domain, host)| {
            domain.parse_host_header(host).ok().and_then(|there| there.bucket().map(str::to_owned))
        });
        // s3s decodes before it divides: an encoded slash divides as well.
        let path: Cow<'_, [u8]> = percent_decode_str(parts.uri.path()).into();
        let inside = path.strip_prefix(b"/").unwrap_or(&path);
        let has_key = match &host_bucket {
            Some(_) => !inside.is_empty(),
            None => inside.iter().position(|byte| *byte == b'/').is_some_and(|at| at + 1 < inside.len()),
        };
        Self { host_bucket, has_key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_key_is_found_in_either_style() {
        let domain = Domain::new("s3.example.com");
        for (host, path, bucket, has_key) in [
            ("s3.example.com", "/", None, false),
            ("s3.example.com", "/b", None, false),
            ("s3.example.com", "/b/", None, false),
            ("s3.example.com", "/b/k", None, true),
            ("s3.example.com", "/b//", None, true),
            ("s3.example.com", "/b%2Fk", None, true),
            ("127.0.0.1:9000", "/b/k", None, true),
            ("b.s3.example.com:9000", "/", Some("b"), false),
            ("B.s3.example.com", "/k", Some("b"), true),
        ] {
            let request = Request::get(path).header("host", host).body(()).unwrap();
            let target = Target::of(&request.into_parts().0, Some(&domain));
            assert_eq!((target.host_bucket.as_deref(), target.has_key), (bucket, has_key), "{host}{path}");
        }
        let request = Request::get("/k").header("host", "b.s3.example.com").body(()).unwrap();
        assert_eq!(Target::of(&request.into_parts().0, None), Target { host_bucket: None, has_key: false });
        for (version, bucket) in [(Version::HTTP_11, None), (Version::HTTP_2, Some("b"))] {
            let request = Request::get("http://b.s3.example.com/a/k").version(version).body(()).unwrap();
            let target = Target::of(&request.into_parts().0, Some(&domain));
            assert_eq!(target.host_bucket.as_deref(), bucket, "{version:?}");
        }
    }
}
