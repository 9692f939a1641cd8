//! The query string, decoded once.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use smallvec::SmallVec;

/// Name and value of a parameter, decoded.
type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Name and value of each parameter, decoded as s3s will decode them (`+` is a space), in the order received.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pairs: SmallVec<[Pair<'a>; 8]>,
}

/// The parameters that carry a presigned signature. They are taken out before s3s sees the request.
pub(crate) const SIGNING: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

impl<'a> Query<'a> {
    /// Reads the part of a URI after `?`.
    pub(crate) fn parse(query: &'a str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect();
        Self { pairs }
    }

    /// All parameters.
    pub(crate) fn pairs(&self) -> &[Pair<'a>] {
        &self.pairs
    }

    /// Whether there is a parameter of this name (case matters).
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| **known == *name.as_bytes())
    }

    /// Whether there is a parameter of this name in any case.
    pub(crate) fn has_in_any_case(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The value of a parameter that occurs exactly once and is text.
    pub(crate) fn once(&self, name: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(known, _)| **known == *name.as_bytes());
        let (_, value) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok()
    }
}

/// The query without the signing parameters, byte for byte otherwise; `None` if nothing is left.
pub(crate) fn without_signature(query: &str) -> Option<String> {
    let mut kept = String::with_capacity(query.len());
    for pair in query.split('&') {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        if SIGNING.iter().any(|signing| *signing.as_bytes() == *name) {
            continue;
        }
        if !kept.is_empty() {
            kept.push('&');
        }
        kept.push_str(pair);
    }
    (!kept.is_empty()).then_some(kept)
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text.as_bytes());
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode(spaced.as_bytes()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_a_plus_is_a_space() {
        let query = Query::parse("prefix=a+b%2Bc&&delete&x=%FF&%70=q=r");
        assert_eq!(query.once("prefix"), Some("a b+c"));
        assert_eq!(query.once("delete"), Some(""));
        assert_eq!(query.once("x"), None, "not text");
        assert_eq!(query.once("p"), Some("q=r"));
        assert_eq!(query.pairs().len(), 4);
    }

    #[test]
    fn a_parameter_that_occurs_twice_is_no_answer() {
        let query = Query::parse("a=1&a=2");
        assert!(query.has("a"));
        assert_eq!(query.once("a"), None);
    }

    #[test]
    fn only_the_signature_is_taken_out() {
        let query = "X-Amz-Date=1&x-id=Get+Object%20&X%2DAmz-Signature=ff&versionId=&X-Amz-Content-Sha256=U";
        assert_eq!(
            without_signature(query).as_deref(),
            Some("x-id=Get+Object%20&versionId=&X-Amz-Content-Sha256=U")
        );
        assert_eq!(without_signature("X-Amz-Date=1&X-Amz-Expires=5"), None);
    }
}
