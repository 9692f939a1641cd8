//! `Range` and `x-amz-copy-source-range`.

use terrace_store::Refusal;
use terrace_store::object::RangeRequest;

/// Reads a `Range` header. `None` means all: what is not one well-formed range of bytes is ignored (RFC 9110, section 14.2), and S3
/// answers a request for several ranges with the whole object. Numbers beyond 64 bits mean "behind any end".
pub(crate) fn parse(header: &[u8]) -> Option<RangeRequest> {
    let (unit, set) = std::str::from_utf8(header).ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", "") => None,
        ("", suffix) => Some(RangeRequest::Suffix(number(suffix)?)),
        (first, "") => Some(RangeRequest::From { first: number(first)?, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            // An end before the begin makes it no range at all (section 14.1.1).
            (first <= last).then_some(RangeRequest::From { first, last: Some(last) })
        }
    }
}

/// Reads `x-amz-copy-source-range`: both ends, inclusive, or it is refused (S3 API, `UploadPartCopy`).
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn parse_copy(header: &str) -> Result<(u64, u64), Refusal> {
    let refused = Refusal::InvalidArgument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
         zero-based offsets of the first and last bytes to copy",
    );
    match parse(header.as_bytes()) {
        Some(RangeRequest::From { first, last: Some(last) }) => Ok((first, last)),
        _ => Err(refused),
    }
}

fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_range_of_bytes_or_it_is_ignored() {
        let from = |first, last| Some(RangeRequest::From { first, last });
        for (header, meant) in [
            ("bytes=0-", from(0, None)),
            ("bytes=0-0", from(0, Some(0))),
            ("bytes=5-4", None),
            ("bytes=3-99999999999999999999999", from(3, Some(u64::MAX))),
            ("Bytes = 1 - 2", from(1, Some(2))),
            ("bytes=-7", Some(RangeRequest::Suffix(7))),
            ("bytes=-0", Some(RangeRequest::Suffix(0))),
            ("bytes=0-1,3-4", None),
            ("bytes=", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
            ("bytes=--1", None),
            ("items=0-1", None),
            ("0-1", None),
            ("", None),
        ] {
            assert_eq!(parse(header.as_bytes()), meant, "{header}");
        }
        assert_eq!(parse(b"bytes=\xFF-"), None);
    }

    #[test]
    fn a_copied_range_names_both_ends() {
        assert_eq!(parse_copy("bytes=0-9"), Ok((0, 9)));
        for refused in ["bytes=0-", "bytes=-5", "bytes=9-0", "0-9", "bytes=0-1,2-3", ""] {
            assert!(matches!(parse_copy(refused), Err(Refusal::InvalidArgument(_))), "{refused}");
        }
    }
}
