//! The canonical request of Signature Version 4, built into one buffer from the request as it was received.

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode;
use smallvec::SmallVec;

use super::query::Query;

/// What is signed besides the request line.
pub(crate) struct Signed<'a> {
    /// Names of the signed headers, sorted.
    pub(crate) headers: &'a [&'a str],
    /// The last line of the canonical request: a hash, or the name of a payload form.
    pub(crate) payload: &'a [u8],
    /// The host when there is no header for it (the `:authority` of HTTP/2).
    pub(crate) authority: Option<&'a str>,
}

/// How the path enters the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathForm {
    /// Decoded and encoded again, as AWS says for S3: each byte but unreserved ones and `/`, once.
    Normalised,
    /// As sent: some clients sign the path that they send although it is encoded differently (`%2F`, a raw `(`).
    Raw,
}

/// Builds the canonical request. `None` if a signed header is not in the request: such a signature cannot be right.
pub(crate) fn request(
    parts: &Parts,
    query: &Query<'_>,
    signed: &Signed<'_>,
    path: PathForm,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b'\n');
    let raw = parts.uri.path().as_bytes();
    match path {
        PathForm::Raw => out.extend_from_slice(raw),
        PathForm::Normalised if is_normal(raw) => out.extend_from_slice(raw),
        PathForm::Normalised => percent_decode(raw).for_each(|byte| encode(&mut out, byte, true)),
    }
    out.push(b'\n');
    write_query(&mut out, query);
    out.push(b'\n');
    for name in signed.headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        write_values(&mut out, &parts.headers, name, signed.authority)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    for (index, name) in signed.headers.iter().enumerate() {
        if index > 0 {
            out.push(b';');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b'\n');
    out.extend_from_slice(signed.payload);
    Some(out)
}

/// Whether normalising a path would change nothing; a path with any escape counts as changed.
pub(crate) fn is_normal(path: &[u8]) -> bool {
    path.iter().all(|&byte| byte == b'/' || is_unreserved(byte))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn encode(out: &mut Vec<u8>, byte: u8, keep_slash: bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if is_unreserved(byte) || (keep_slash && byte == b'/') {
        out.push(byte);
    } else {
        let (high, low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
        out.extend_from_slice(&[b'%', high, low]);
    }
}

/// Parameters encoded, then sorted by name and value; the signature itself left out.
fn write_query(out: &mut Vec<u8>, query: &Query<'_>) {
    if query.pairs().is_empty() {
        return;
    }
    let mut encoded = Vec::with_capacity(256);
    let mut spans: SmallVec<[(usize, usize, usize); 8]> = SmallVec::new();
    for (name, value) in query.pairs().iter().filter(|(name, _)| **name != *b"X-Amz-Signature") {
        let start = encoded.len();
        name.iter().for_each(|&byte| encode(&mut encoded, byte, false));
        let middle = encoded.len();
        value.iter().for_each(|&byte| encode(&mut encoded, byte, false));
        spans.push((start, middle, encoded.len()));
    }
    spans.sort_unstable_by(|a, b| {
        (&encoded[a.0..a.1], &encoded[a.1..a.2]).cmp(&(&encoded[b.0..b.1], &encoded[b.1..b.2]))
    });
    for (index, (start, middle, end)) in spans.into_iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(&encoded[start..middle]);
        out.push(b'=');
        out.extend_from_slice(&encoded[middle..end]);
    }
}

fn write_values(out: &mut Vec<u8>, headers: &HeaderMap, name: &str, authority: Option<&str>) -> Option<()> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        let authority = authority.filter(|_| name == "host")?;
        out.extend_from_slice(authority.as_bytes());
        return Some(());
    };
    write_trimmed(out, first.as_bytes());
    for value in values {
        out.push(b',');
        write_trimmed(out, value.as_bytes());
    }
    Some(())
}

/// The value without white space at its ends, each run inside it one space.
fn write_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    let mut space = false;
    for &byte in value {
        if byte.is_ascii_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) {
            out.push(b' ');
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn canonical(uri: &str, path: PathForm) -> String {
        let (parts, ()) = Request::get(uri).header("host", "h").body(()).unwrap().into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or(""));
        let headers = ["host"];
        let signed = Signed { headers: &headers, payload: b"P", authority: None };
        String::from_utf8(request(&parts, &query, &signed, path).unwrap()).unwrap()
    }

    fn line(text: &str, number: usize) -> &str {
        text.split('\n').nth(number).unwrap()
    }

    #[test]
    fn the_path_is_decoded_and_encoded_once() {
        for (sent, wanted) in [
            ("/", "/"),
            ("/b/a-_.~Z9", "/b/a-_.~Z9"),
            ("/b/a%20b", "/b/a%20b"),
            ("/b/a+b", "/b/a%2Bb"),
            ("/b/%e4%BD%a0", "/b/%E4%BD%A0"),
            ("/b/a%252Fb", "/b/a%252Fb"),
            ("/b/a%2Fb", "/b/a/b"),
            ("/b/%7e", "/b/~"),
            ("/b/(x)*'!", "/b/%28x%29%2A%27%21"),
            ("/b//x/../y/", "/b//x/../y/"),
            ("/b/100%", "/b/100%25"),
            ("/b/%FF%00", "/b/%FF%00"),
        ] {
            assert_eq!(line(&canonical(sent, PathForm::Normalised), 1), wanted, "{sent}");
            assert_eq!(line(&canonical(sent, PathForm::Raw), 1), sent);
        }
    }

    #[test]
    fn the_query_is_encoded_and_sorted_by_name_then_value() {
        for (sent, wanted) in [
            ("/?", ""),
            ("/?delete", "delete="),
            ("/?b=2&a=1&a=0&B=3", "B=3&a=0&a=1&b=2"),
            ("/?a-b=1&a=2", "a=2&a-b=1"),
            ("/?p=a+b/c%2b~", "p=a%20b%2Fc%2B~"),
            ("/?X-Amz-Signature=f&x=1", "x=1"),
            ("/?a=b=c&&", "a=b%3Dc"),
        ] {
            assert_eq!(line(&canonical(sent, PathForm::Normalised), 2), wanted, "{sent}");
        }
    }

    #[test]
    fn values_are_trimmed_joined_and_single_spaced() {
        let (parts, ()) = Request::get("/")
            .header("host", "h")
            .header("x-amz-meta-a", "  one   two\tthree ")
            .header("if-match", "\"a\"")
            .header("if-match", " \"b\"")
            .body(())
            .unwrap()
            .into_parts();
        let headers = ["host", "if-match", "x-amz-meta-a"];
        let signed = Signed { headers: &headers, payload: b"P", authority: None };
        let text = request(&parts, &Query::parse(""), &signed, PathForm::Raw).unwrap();
        let wanted = "GET\n/\n\nhost:h\nif-match:\"a\",\"b\"\nx-amz-meta-a:one two three\n\nhost;if-match;x-amz-meta-a\nP";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }

    #[test]
    fn a_signed_header_that_is_absent_yields_nothing_and_a_host_may_be_the_authority() {
        let (parts, ()) = Request::get("/").body(()).unwrap().into_parts();
        let headers = ["host"];
        let mut signed = Signed { headers: &headers, payload: b"P", authority: None };
        assert_eq!(request(&parts, &Query::parse(""), &signed, PathForm::Raw), None);
        signed.authority = Some("a:1");
        let text = request(&parts, &Query::parse(""), &signed, PathForm::Raw).unwrap();
        assert_eq!(text, b"GET\n/\n\nhost:a:1\n\nhost\nP");
    }
}
