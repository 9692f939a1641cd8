//! Conditional headers. Read from the headers as they came: s3s refuses lists, unquoted ETags with odd characters, and dates of any
//! form but one, all of which RFC 9110 allows.

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};
use terrace_store::Refusal;
use terrace_store::object::{ETagList, ReadCondition, WriteCondition};

use super::{text, time};

/// Conditions of GET and HEAD.
pub(crate) fn read(headers: &HeaderMap) -> Result<ReadCondition, Refusal> {
    read_named(headers, &IF_MATCH, &IF_NONE_MATCH, [&IF_MODIFIED_SINCE, &IF_UNMODIFIED_SINCE])
}

/// Conditions of a copy's source.
pub(crate) fn copy_source(headers: &HeaderMap) -> Result<ReadCondition, Refusal> {
    const MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-match");
    const NONE_MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-none-match");
    const MODIFIED: HeaderName = HeaderName::from_static("x-amz-copy-source-if-modified-since");
    const UNMODIFIED: HeaderName = HeaderName::from_static("x-amz-copy-source-if-unmodified-since");
    read_named(headers, &MATCH, &NONE_MATCH, [&MODIFIED, &UNMODIFIED])
}

/// Conditions of PUT, complete, copy destination and DELETE.
pub(crate) fn write(headers: &HeaderMap) -> Result<WriteCondition, Refusal> {
    if headers.is_empty() {
        return Ok(WriteCondition::default());
    }
    Ok(WriteCondition {
        if_match: list(headers, &IF_MATCH, Comparison::Strong)?,
        if_none_match: list(headers, &IF_NONE_MATCH, Comparison::Weak)?,
    })
}

fn read_named(
    headers: &HeaderMap,
    if_match: &HeaderName,
    if_none_match: &HeaderName,
    [modified, unmodified]: [&HeaderName; 2],
) -> Result<ReadCondition, Refusal> {
    if headers.is_empty() {
        return Ok(ReadCondition::default());
    }
    let date = |name| Ok(text(headers, name)?.and_then(|date| time::parse_http_date(&date)));
    Ok(ReadCondition {
        if_match: list(headers, if_match, Comparison::Strong)?,
        if_none_match: list(headers, if_none_match, Comparison::Weak)?,
        if_modified_since: date(modified)?,
        if_unmodified_since: date(unmodified)?,
    })
}

/// How a weak ETag compares (RFC 9110, section 8.8.3.2): a proxy that compresses makes ETags weak.
#[derive(Clone, Copy, PartialEq)]
enum Comparison {
    Strong,
    Weak,
}

fn list(headers: &HeaderMap, name: &HeaderName, how: Comparison) -> Result<Option<ETagList>, Refusal> {
    Ok(text(headers, name)?.map(|header| etags(&header, how)))
}

fn etags(header: &str, how: Comparison) -> ETagList {
    if header.trim() == "*" {
        return ETagList::Any;
    }
    let mut quoted = false;
    let separator = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    let each = header.split(separator).map(str::trim).filter(|etag| !etag.is_empty());
    let compared = each.map(|etag| match how {
        Comparison::Weak => etag.strip_prefix("W/").unwrap_or(etag),
        Comparison::Strong => etag,
    });
    ETagList::These(compared.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn these(list: &[&str]) -> ETagList {
        ETagList::These(list.iter().map(|etag| (*etag).to_owned()).collect())
    }

    #[test]
    fn etags_come_alone_in_lists_quoted_bare_and_weak() {
        for (header, strong, weak) in [
            ("*", ETagList::Any, ETagList::Any),
            (" * ", ETagList::Any, ETagList::Any),
            ("\"a-1\"", these(&["\"a-1\""]), these(&["\"a-1\""])),
            ("a-1", these(&["a-1"]), these(&["a-1"])),
            ("\"a,b\" ,W/\"c\",, d", these(&["\"a,b\"", "W/\"c\"", "d"]), these(&["\"a,b\"", "\"c\"", "d"])),
            ("\"\"", these(&["\"\""]), these(&["\"\""])),
            ("\"open", these(&["\"open"]), these(&["\"open"])),
        ] {
            assert_eq!(etags(header, Comparison::Strong), strong, "{header}");
            assert_eq!(etags(header, Comparison::Weak), weak, "{header}");
        }
    }

    #[test]
    fn conditions_are_read_from_their_own_headers_only() {
        let mut headers = HeaderMap::new();
        assert_eq!(read(&headers).unwrap(), ReadCondition::default());
        headers.append(IF_MATCH, HeaderValue::from_static("\"a\""));
        headers.append(IF_MATCH, HeaderValue::from_static("\"b\""));
        headers.insert(IF_MODIFIED_SINCE, HeaderValue::from_static("Thu, 01 Jan 1970 00:01:00 GMT"));
        headers.insert(IF_UNMODIFIED_SINCE, HeaderValue::from_static("soon"));
        headers.insert("x-amz-copy-source-if-none-match", HeaderValue::from_static("\"c\""));
        headers.insert(
            "x-amz-copy-source-if-unmodified-since",
            HeaderValue::from_static("Thu, 01 Jan 1970 00:00:07 GMT"),
        );
        let read = read(&headers).unwrap();
        assert_eq!(read.if_match, Some(these(&["\"a\"", "\"b\""])));
        assert_eq!(
            (read.if_none_match, read.if_modified_since, read.if_unmodified_since),
            (None, Some(60), None)
        );
        let source = copy_source(&headers).unwrap();
        assert_eq!((source.if_match, source.if_none_match), (None, Some(these(&["\"c\""]))));
        assert_eq!(source.if_unmodified_since, Some(7));
        let write = write(&headers).unwrap();
        assert_eq!((write.if_match, write.if_none_match), (Some(these(&["\"a\"", "\"b\""])), None));
    }
}
