//! Conditional headers. Read from the headers as they came: s3s refuses lists, unquoted ETags with odd characters, and dates of any
//! form but one, all of which RFC 9110 allows.

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName};
use terrace_store::Refusal;
use terrace_store::object::{DeleteCondition, ETagList, IfRange, ReadCondition, WriteCondition};

use super::{text, time};

/// Conditions of GET and HEAD.
pub(crate) fn read(headers: &HeaderMap) -> Result<ReadCondition, Refusal> {
    let conditions =
        read_named(headers, &IF_MATCH, &IF_NONE_MATCH, [&IF_MODIFIED_SINCE, &IF_UNMODIFIED_SINCE])?;
    Ok(ReadCondition { if_range: text(headers, &IF_RANGE)?.map(if_range), ..conditions })
}

/// Conditions of a copy's source.
pub(crate) fn copy_source(headers: &HeaderMap) -> Result<ReadCondition, Refusal> {
    const MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-match");
    const NONE_MATCH: HeaderName = HeaderName::from_static("x-amz-copy-source-if-none-match");
    const MODIFIED: HeaderName = HeaderName::from_static("x-amz-copy-source-if-modified-since");
    const UNMODIFIED: HeaderName = HeaderName::from_static("x-amz-copy-source-if-unmodified-since");
    read_named(headers, &MATCH, &NONE_MATCH, [&MODIFIED, &UNMODIFIED])
}

/// `If-Range`: a date, or else an ETag. What is neither holds for nothing, and the whole body is served.
fn if_range(header: String) -> IfRange {
    time::parse_http_date(&header).map_or(IfRange::ETag(header), IfRange::Date)
}

/// Conditions of DELETE.
///
/// # Errors
/// `InvalidArgument` for a date or a size that is none: a condition that cannot be read must not be passed over.
pub(crate) fn delete(headers: &HeaderMap) -> Result<DeleteCondition, Refusal> {
    if headers.is_empty() {
        return Ok(DeleteCondition::default());
    }
    let date = text(headers, &IF_LAST_MODIFIED)?;
    let no_date = Refusal::InvalidArgument("x-amz-if-match-last-modified-time is not a date");
    let size = text(headers, &IF_SIZE)?;
    let no_size = Refusal::InvalidArgument("x-amz-if-match-size is not a number of bytes");
    Ok(DeleteCondition {
        etags: write(headers)?,
        last_modified: date.map(|date| time::parse_date(&date).ok_or(no_date)).transpose()?,
        size: size.map(|size| size.parse().map_err(|_| no_size)).transpose()?,
    })
}

/// `x-amz-if-match-last-modified-time`.
const IF_LAST_MODIFIED: HeaderName = HeaderName::from_static("x-amz-if-match-last-modified-time");
/// `x-amz-if-match-size`.
const IF_SIZE: HeaderName = HeaderName::from_static("x-amz-if-match-size");

/// Conditions of PUT, complete and copy destination.
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
        if_range: None,
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
    fn a_condition_of_a_deletion_is_read_or_refused() {
        let with = |name, value| delete(&[(name, HeaderValue::from_static(value))].into_iter().collect());
        assert_eq!(delete(&HeaderMap::new()).unwrap(), DeleteCondition::default());
        for date in ["Thu, 01 Jan 1970 00:01:00 GMT", "1970-01-01T00:01:00Z", "1970-01-01T00:01:00.000Z"] {
            assert_eq!(with(IF_LAST_MODIFIED, date).unwrap().last_modified, Some(60), "{date}");
        }
        assert_eq!(with(IF_SIZE, "7").unwrap().size, Some(7));
        assert_eq!(with(IF_MATCH, "*").unwrap().etags.if_match, Some(ETagList::Any));
        for (name, value) in [(IF_LAST_MODIFIED, "soon"), (IF_SIZE, "-1"), (IF_SIZE, "1e3")] {
            assert!(matches!(with(name, value), Err(Refusal::InvalidArgument(_))), "{value}");
        }
    }

    #[test]
    fn a_range_depends_on_an_etag_or_a_date() {
        for (header, meant) in [
            ("\"a-1\"", IfRange::ETag("\"a-1\"".into())),
            ("Thu, 01 Jan 1970 00:01:00 GMT", IfRange::Date(60)),
            ("soon", IfRange::ETag("soon".into())),
        ] {
            let headers = [(IF_RANGE, HeaderValue::from_static(header))].into_iter().collect();
            assert_eq!(read(&headers).unwrap().if_range, Some(meant));
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
