//! Rule 14: user metadata has a limit.

use http::HeaderMap;

use super::super::Refusal;

/// Names (without the prefix) and values of `x-amz-meta-*` together, in bytes, inclusive.
const LIMIT: usize = 2048;

/// Refuses more user metadata than S3 takes.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let sizes = headers
        .iter()
        .filter_map(|(name, value)| Some(name.as_str().strip_prefix("x-amz-meta-")?.len() + value.len()));
    if sizes.sum::<usize>() > LIMIT { Err(Refusal::MetadataTooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn metadata_is_counted_without_the_prefix_and_limited_to_2_kib() {
        for (length, accepted) in [(LIMIT - 6, true), (LIMIT - 5, false)] {
            let mut headers = HeaderMap::new();
            headers.insert("x-amz-meta-abc", HeaderValue::from_static("abc"));
            headers.insert("x-amz-meta-", HeaderValue::from_str(&"v".repeat(length)).unwrap());
            headers.insert("x-amz-other", HeaderValue::from_str(&"v".repeat(5000)).unwrap());
            assert_eq!(check(&headers).is_ok(), accepted);
        }
    }
}
