//! Rule 3: Signature Version 2, only as a presigned query for GET, HEAD and PUT of objects: what `presign` of aws-cli 1, `generate_presigned_url`
//! of boto3 without `signature_version` and `signurl` of s3cmd still make.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html>
//!
//! Version 2 signs the method, two headers, all `x-amz-*`, the path and a fixed list of parameters. No other parameter is believed: it is
//! taken out before anybody looks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use super::super::Refusal;
use super::claim::SKEW;
use super::mechanism::VERSION_2;
use super::query::Query;
use super::target::Target;

/// Seven days in seconds. Version 2 itself knows no bound; a signer's clock may be [`SKEW`] ahead, as with version 4.
const LONGEST: i64 = 604_800 + SKEW;

/// Parameters that version 2 signs (the list of botocore, which is that of S3 with its later additions).
const SIGNED: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Moves `x-amz-*`, `Content-Type` and `Content-MD5` from the query of a request of version 2 into its headers: botocore puts the headers
/// there that it signs, and they are signed as headers.
///
/// # Errors
/// `InvalidArgument` for a value that contradicts a header or is none.
pub(crate) fn unpack(parts: &mut Parts) -> Result<(), Refusal> {
    const INVALID: Refusal =
        Refusal::InvalidArgument("A parameter that names a header contradicts it or is none.");
    let Some(text) = parts.uri.query().filter(|text| text.contains("AWSAccessKeyId=")) else { return Ok(()) };
    let query = Query::parse(text);
    if !query.has("AWSAccessKeyId") {
        return Ok(());
    }
    for (name, value) in query.pairs() {
        let name = name.to_ascii_lowercase();
        if !(name.starts_with(b"x-amz-") || matches!(&*name, b"content-type" | b"content-md5")) {
            continue;
        }
        let name = HeaderName::from_bytes(&name).map_err(|_invalid| INVALID)?;
        let value = HeaderValue::from_bytes(value).map_err(|_invalid| INVALID)?;
        if *parts.headers.entry(name).or_insert_with(|| value.clone()) != value {
            return Err(INVALID);
        }
    }
    Ok(())
}

/// What a request presigned with version 2 claims. Only its shape and its age are verified.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) access_key: &'a str,
    expires: &'a str,
    signature: [u8; 20],
}

impl<'a> Claim<'a> {
    /// Reads the claim. `now` in seconds since the epoch.
    ///
    /// # Errors
    /// `InvalidRequest` for what version 2 may not ask for; `AccessDenied` for what is malformed or has expired.
    pub(crate) fn read(
        parts: &Parts,
        query: &'a Query<'_>,
        target: &Target,
        now: i64,
    ) -> Result<Self, Refusal> {
        if !(matches!(parts.method, Method::GET | Method::HEAD | Method::PUT) && target.has_key) {
            return Err(VERSION_2);
        }
        let field = |name| query.once(name).filter(|value| !value.is_empty());
        let (Some(access_key), Some(expires), Some(signature)) =
            (field("AWSAccessKeyId"), field("Expires"), field("Signature"))
        else {
            return Err(Refusal::AccessDenied(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
            ));
        };
        let seconds = Some(expires).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(end) = seconds.and_then(|text| text.parse::<i64>().ok()) else {
            return Err(Refusal::AccessDenied("Invalid date (should be seconds since epoch)"));
        };
        if end <= now {
            return Err(Refusal::AccessDenied("Request has expired"));
        }
        if end - now > LONGEST {
            return Err(Refusal::AuthorizationQueryParameters(
                "Expires must be less than a week from now".into(),
            ));
        }
        // 20 bytes are 28 digits; what is longer cannot be right.
        let decoded = STANDARD.decode(signature).ok().and_then(|bytes| bytes.try_into().ok());
        let signature = decoded.ok_or(Refusal::SignatureDoesNotMatch)?;
        Ok(Self { access_key, expires, signature })
    }

    /// Whether the signature is that of the request under `secret`. Constant time.
    pub(crate) fn holds(&self, parts: &Parts, target: &Target, secret: &str) -> bool {
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(&string_to_sign(parts, target, self.expires));
        let expected: [u8; 20] = mac.finalize().into_bytes().into();
        expected.ct_eq(&self.signature).into()
    }
}

/// The query without what version 2 does not sign; `None` if nothing is left.
pub(crate) fn signed_query(query: &str) -> Option<String> {
    let kept: Vec<&str> = query.split('&').filter(|pair| is_signed(pair)).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

fn is_signed(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    SIGNED.contains(&name)
}

fn string_to_sign(parts: &Parts, target: &Target, expires: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let value = |name| parts.headers.get(name).map_or(&b""[..], |value: &HeaderValue| value.as_bytes());
    let (md5, kind) = (value(HeaderName::from_static("content-md5")), value(header::CONTENT_TYPE));
    for line in [parts.method.as_str().as_bytes(), md5, kind, expires.as_bytes()] {
        out.extend_from_slice(line.trim_ascii());
        out.push(b'\n');
    }
    let mut names: Vec<&HeaderName> =
        parts.headers.keys().filter(|name| name.as_str().starts_with("x-amz-")).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    for name in names {
        out.extend_from_slice(name.as_str().as_bytes());
        let values: Vec<&[u8]> =
            parts.headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii()).collect();
        out.push(b':');
        out.extend_from_slice(&values.join(&b","[..]));
        out.push(b'\n');
    }
    if let Some(bucket) = &target.host_bucket {
        out.push(b'/');
        out.extend_from_slice(bucket.as_bytes());
    }
    out.extend_from_slice(parts.uri.path().as_bytes());
    let query = parts.uri.query().unwrap_or("");
    let mut signed: Vec<&str> = query.split('&').filter(|pair| is_signed(pair)).collect();
    signed.sort_by_key(|pair| pair.split_once('=').map_or(*pair, |(name, _)| name));
    for (index, pair) in signed.into_iter().enumerate() {
        out.push(if index == 0 { b'?' } else { b'&' });
        // Values are signed as they are meant, not as they are escaped.
        out.extend(percent_decode_str(pair));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn text(method: &str, uri: &str, headers: &[(&str, &str)], host_bucket: Option<&str>) -> String {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        unpack(&mut parts).unwrap();
        let target = Target { host_bucket: host_bucket.map(str::to_owned), has_key: true };
        String::from_utf8(string_to_sign(&parts, &target, "1175139620")).unwrap()
    }

    #[test]
    fn the_string_to_sign_is_that_of_the_documentation() {
        let wanted = "GET\n\n\n1175139620\n/awsexamplebucket1/photos/puppy.jpg";
        assert_eq!(text("GET", "/photos/puppy.jpg", &[], Some("awsexamplebucket1")), wanted);
        assert_eq!(text("GET", "/awsexamplebucket1/photos/puppy.jpg?x-id=1", &[], None), wanted);
        let headers = [
            ("x-amz-meta-reviewedby", "joe@example.com"),
            ("x-amz-meta-reviewedby", " jane@example.com "),
            ("x-amz-acl", "public-read"),
            ("content-type", "application/x-download"),
            ("content-md5", "4gJE4saaMU4BqNR0kLY+lw=="),
            ("content-disposition", "attachment"),
        ];
        let wanted = "PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\n1175139620\nx-amz-acl:public-read\n\
                      x-amz-meta-reviewedby:joe@example.com,jane@example.com\n/b/db%20backup.gz";
        assert_eq!(text("PUT", "/b/db%20backup.gz", &headers, None), wanted);
    }

    #[test]
    fn parameters_that_are_signed_are_sorted_and_decoded() {
        let uri = "/b/k?versionId=1&response-content-type=a%2Fb%3B%20c&x=y&acl";
        let wanted = "GET\n\n\n1175139620\n/b/k?acl&response-content-type=a/b; c&versionId=1";
        assert_eq!(text("GET", uri, &[], None), wanted);
        let kept = signed_query("Expires=1&versionId=1&Signature=s&x=y&acl&AWSAccessKeyId=AK");
        assert_eq!(kept.as_deref(), Some("versionId=1&acl"));
        assert_eq!(signed_query("Expires=1&attributes"), None);
    }

    #[test]
    fn headers_in_the_query_are_signed_as_headers() {
        let other = Request::put("/b/k?prefix=AWSAccessKeyId=&x-amz-meta-a=1");
        let mut other = other.body(()).unwrap().into_parts().0;
        unpack(&mut other).unwrap();
        assert!(other.headers.is_empty(), "that is no request of version 2");
        let uri = "/b/k?AWSAccessKeyId=AK&X-Amz-Meta-A=1%202&content-type=a%2Fb";
        let wanted = "PUT\n\na/b\n1175139620\nx-amz-meta-a:1 2\n/b/k";
        assert_eq!(text("PUT", uri, &[], None), wanted);
        assert_eq!(text("PUT", uri, &[("content-type", "a/b")], None), wanted);
        for (uri, header) in [
            (uri, ("content-type", "c/d")),
            ("/b/k?AWSAccessKeyId=AK&x-amz-a=1&x-amz-a=2", ("x", "")),
            ("/b/k?AWSAccessKeyId=AK&x-amz-a=%0A", ("x", "")),
        ] {
            let request = Request::put(uri).header(header.0, header.1);
            assert!(unpack(&mut request.body(()).unwrap().into_parts().0).is_err(), "{uri}");
        }
    }
}
