//! The length of the body, which S3 wants to know before it begins.

use http::{HeaderMap, HeaderValue, header};

use super::super::Refusal;

/// Decoded length in bytes: of `x-amz-decoded-content-length` for an aws-chunked body, else of `content-length`, else what
/// the connection knows (`exact`; an HTTP/1 request without a length has no body).
///
/// # Errors
/// `MissingContentLength`; `InvalidArgument` for what is not a number.
pub(crate) fn decoded(headers: &HeaderMap, chunked: bool, exact: Option<u64>) -> Result<u64, Refusal> {
    let name = if chunked { "x-amz-decoded-content-length" } else { header::CONTENT_LENGTH.as_str() };
    match headers.get(name) {
        Some(value) => parse(value).ok_or(Refusal::InvalidArgument("A content length is not a number.")),
        None if chunked => Err(Refusal::MissingContentLength),
        None => exact.ok_or(Refusal::MissingContentLength),
    }
}

fn parse(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    if !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_chunked_body_is_its_decoded_length() {
        let mut headers = HeaderMap::new();
        headers.insert("content-length", HeaderValue::from_static("99"));
        assert_eq!(decoded(&headers, false, None).unwrap(), 99);
        assert!(matches!(decoded(&headers, true, Some(99)), Err(Refusal::MissingContentLength)));
        headers.insert("x-amz-decoded-content-length", HeaderValue::from_static("7"));
        assert_eq!(decoded(&headers, true, None).unwrap(), 7);
        assert_eq!(decoded(&headers, false, None).unwrap(), 99);
    }

    #[test]
    fn a_length_is_known_or_the_request_is_refused() {
        assert_eq!(decoded(&HeaderMap::new(), false, Some(0)).unwrap(), 0);
        assert!(matches!(decoded(&HeaderMap::new(), false, None), Err(Refusal::MissingContentLength)));
        for text in ["", "+1", "-1", "1 1", "0x10", "18446744073709551616"] {
            let mut headers = HeaderMap::new();
            headers.insert("content-length", text.parse().unwrap());
            assert!(matches!(decoded(&headers, false, None), Err(Refusal::InvalidArgument(_))), "{text}");
        }
    }
}
