//! Pure functions between the words of HTTP and XML and those of the store. No I/O, no clock, no state.

pub(crate) mod checksum;
pub(crate) mod conditions;
pub(crate) mod copy_source;
pub(crate) mod metadata;
pub(crate) mod ranges;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod url;
pub(crate) mod xml;

use http::{HeaderMap, HeaderName};
use terrace_store::Refusal;

/// The text of a header; of several lines of the same name the list of their values, as RFC 9110, section 5.3 joins them. An empty
/// header says nothing.
///
/// # Errors
/// `InvalidArgument` for what is not UTF-8.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let mut lines = headers.get_all(name).iter().filter(|value| !value.is_empty());
    let Some(first) = lines.next() else { return Ok(None) };
    let mut all = utf8(first.as_bytes())?.to_owned();
    for line in lines {
        all.push(',');
        all.push_str(utf8(line.as_bytes())?);
    }
    Ok(Some(all))
}

fn utf8(bytes: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(bytes).map_err(|_| Refusal::InvalidArgument("A header value is not UTF-8."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::EXPIRES;

    #[test]
    fn header_text_is_utf8_joined_and_never_empty() {
        let mut headers = HeaderMap::new();
        assert_eq!(text(&headers, &EXPIRES).unwrap(), None);
        headers.append(EXPIRES, HeaderValue::from_static(""));
        assert_eq!(text(&headers, &EXPIRES).unwrap(), None);
        headers.append(EXPIRES, HeaderValue::from_bytes("ä".as_bytes()).unwrap());
        headers.append(EXPIRES, HeaderValue::from_static("b"));
        assert_eq!(text(&headers, &EXPIRES).unwrap().as_deref(), Some("ä,b"));
        headers.insert(EXPIRES, HeaderValue::from_bytes(b"\xE4").unwrap());
        assert!(text(&headers, &EXPIRES).is_err());
    }
}
