//! Times. S3 shows whole seconds everywhere, so that a listing and a HEAD say the same.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;
use time::OffsetDateTime;

/// `Last-Modified` and its like: `Wed, 21 Oct 2015 07:28:00 GMT`.
pub(crate) fn http_date(ms: u64) -> HeaderValue {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs((ms / 1_000).min(LAST_SECOND)));
    HeaderValue::try_from(date).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Reads the three forms of RFC 9110, section 5.6.7 into seconds since the epoch. `None`: not a date, to be ignored
/// (section 13.1.3).
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Reads a date of RFC 9110 or of RFC 3339, which SDKs send for a time in a header alike, into seconds since the epoch.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let iso = || OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok();
    parse_http_date(text).or_else(|| iso().map(OffsetDateTime::unix_timestamp))
}

/// Times in XML: `2015-10-21T07:28:00.000Z`, always 24 bytes.
pub(crate) fn iso(ms: u64) -> [u8; 24] {
    let date = at(ms);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[0..4], date.year().unsigned_abs());
    digits(&mut text[5..7], u32::from(u8::from(date.month())));
    digits(&mut text[8..10], u32::from(date.day()));
    digits(&mut text[11..13], u32::from(date.hour()));
    digits(&mut text[14..16], u32::from(date.minute()));
    digits(&mut text[17..19], u32::from(date.second()));
    text
}

/// The same for those answers that s3s writes.
pub(crate) fn timestamp(ms: u64) -> s3s::dto::Timestamp {
    at(ms).into()
}

/// 9999-12-31T23:59:59Z: the last second that both forms can show.
const LAST_SECOND: u64 = 253_402_300_799;

fn at(ms: u64) -> OffsetDateTime {
    let seconds = i64::try_from((ms / 1_000).min(LAST_SECOND)).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_445_412_480_987;

    #[test]
    fn times_are_shown_at_whole_seconds() {
        assert_eq!(http_date(MS), "Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(&iso(MS), b"2015-10-21T07:28:00.000Z");
        assert_eq!(&iso(0), b"1970-01-01T00:00:00.000Z");
        assert_eq!(&iso(u64::MAX), b"9999-12-31T23:59:59.000Z");
        assert_eq!(http_date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(timestamp(MS), timestamp(MS / 1_000 * 1_000));
    }

    #[test]
    fn dates_of_all_three_forms_are_read_and_others_ignored() {
        for date in
            ["Wed, 21 Oct 2015 07:28:00 GMT", "Wednesday, 21-Oct-15 07:28:00 GMT", "Wed Oct 21 07:28:00 2015"]
        {
            assert_eq!(parse_http_date(date), Some(1_445_412_480), "{date}");
        }
        for other in ["", "yesterday", "2015-10-21T07:28:00Z", "1445412480"] {
            assert_eq!(parse_http_date(other), None, "{other}");
        }
    }
}
