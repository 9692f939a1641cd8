//! Rule 1: `host` and every `x-amz-*` header present is signed.
//!
//! An unsigned `x-amz-copy-source` would let whoever holds a presigned PUT read any object with the signer's rights.

use http::HeaderMap;
use smallvec::SmallVec;

use super::super::Refusal;

/// The names a signature covers: lower case, sorted, each once.
#[derive(Debug)]
pub(crate) struct SignedHeaders<'a> {
    names: SmallVec<[&'a str; 16]>,
}

impl<'a> SignedHeaders<'a> {
    /// Reads `host;x-amz-date;..`. `None` if a name is empty, repeated or not lower case.
    pub(crate) fn parse(list: &'a str) -> Option<Self> {
        let mut names: SmallVec<[&'a str; 16]> = list.split(';').collect();
        names.sort_unstable();
        let proper = |name: &&str| !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase());
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        (distinct && names.iter().all(proper)).then_some(Self { names })
    }

    /// The names, sorted.
    pub(crate) fn names(&self) -> &[&'a str] {
        &self.names
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.binary_search(&name).is_ok()
    }

    /// Refuses headers that change what a request does and are not covered.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.contains("host") {
            return Err(Refusal::AccessDenied("The host header must be signed."));
        }
        let unsigned = |name: &str| name.starts_with("x-amz-") && !self.contains(name);
        if headers.keys().any(|name| unsigned(name.as_str())) {
            return Err(Refusal::AccessDenied(
                "There were headers present in the request which were not signed.",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(names: &[&'static str]) -> HeaderMap {
        names.iter().map(|name| (name.parse().unwrap(), HeaderValue::from_static("v"))).collect()
    }

    #[test]
    fn every_amz_header_and_host_must_be_signed() {
        let present =
            headers(&["host", "x-amz-date", "x-amz-copy-source", "content-type", "x-amzn-trace-id"]);
        for (list, accepted) in [
            ("host;x-amz-copy-source;x-amz-date", true),
            ("x-amz-date;x-amz-copy-source;host", true),
            ("host;x-amz-date", false),
            ("x-amz-copy-source;x-amz-date", false),
        ] {
            assert_eq!(SignedHeaders::parse(list).unwrap().check(&present).is_ok(), accepted, "{list}");
        }
    }

    #[test]
    fn a_malformed_list_is_refused() {
        for list in ["", "host;", "host;host", "Host", ";host"] {
            assert!(SignedHeaders::parse(list).is_none(), "{list}");
        }
    }
}
