//! Rule 13: a header that decides something occurs once.
//!
//! With two `Host` headers, whoever reads the first and whoever reads the last serve different requests.

use http::{HeaderMap, HeaderName, header};

use super::super::Refusal;

/// Refuses duplicates of host, authorization, content-length and `x-amz-*`. Nearly free when no header is repeated.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    let repeated = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    match headers.keys().filter(|name| must_be_single(name)).find(repeated) {
        None => Ok(()),
        Some(_) => Err(Refusal::InvalidRequest("A header that may occur only once occurs more than once.")),
    }
}

fn must_be_single(name: &HeaderName) -> bool {
    [header::HOST, header::AUTHORIZATION, header::CONTENT_LENGTH].contains(name)
        || matches!(name.as_str(), "content-md5" | "transfer-encoding")
        || (name.as_str().starts_with("x-amz-") && !is_list(name))
}

/// Headers that are lists by their definition (S3 API, `GetObjectAttributes`): the Rust SDK sends a line for each attribute. All lines are
/// signed, joined by commas, and all are read.
fn is_list(name: &HeaderName) -> bool {
    matches!(name.as_str(), "x-amz-object-attributes" | "x-amz-optional-object-attributes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_deciding_header_may_not_be_repeated() {
        for (name, accepted) in [
            ("host", false),
            ("authorization", false),
            ("content-length", false),
            ("content-md5", false),
            ("x-amz-date", false),
            ("x-amz-meta-a", false),
            ("x-amz-object-attributes", true),
            ("if-match", true),
            ("content-encoding", true),
        ] {
            let name: HeaderName = name.parse().unwrap();
            let mut headers = HeaderMap::new();
            headers.append(&name, HeaderValue::from_static("a"));
            assert!(check(&headers).is_ok());
            headers.append(&name, HeaderValue::from_static("a"));
            assert_eq!(check(&headers).is_ok(), accepted, "{name}");
        }
    }
}
