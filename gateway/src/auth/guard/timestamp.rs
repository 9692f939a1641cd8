//! The time of a request, `YYYYMMDDTHHMMSSZ`.

use time::{Date, Month, Time};

/// A point in time as a request wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp {
    text: [u8; 16],
    seconds: i64,
}

impl Timestamp {
    /// From ISO 8601 basic format in UTC, to the second; `None` for anything else.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: [u8; 16] = text.try_into().ok()?;
        let [y1, y2, y3, y4, o1, o2, d1, d2, b'T', h1, h2, m1, m2, s1, s2, b'Z'] = text else { return None };
        let year = i32::from(pair(y1, y2)?) * 100 + i32::from(pair(y3, y4)?);
        let month = Month::try_from(pair(o1, o2)?).ok()?;
        let date = Date::from_calendar_date(year, month, pair(d1, d2)?).ok()?;
        let time = Time::from_hms(pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?).ok()?;
        Some(Self { text, seconds: date.with_time(time).assume_utc().unix_timestamp() })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// `YYYYMMDD`.
    pub(crate) fn date(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.text;
        [a, b, c, d, e, f, g, h]
    }

    /// Seconds since the epoch.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }
}

fn pair(tens: u8, ones: u8) -> Option<u8> {
    (tens.is_ascii_digit() && ones.is_ascii_digit()).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_utc_to_the_second() {
        let at = Timestamp::parse(b"20130524T010203Z").unwrap();
        assert_eq!(at.seconds(), 1_369_357_323);
        assert_eq!(at.date(), *b"20130524");
        assert_eq!(at.text(), b"20130524T010203Z");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "20130524",
            "20130524T000000",
            "20130524T000000z",
            "20131324T000000Z",
            "20130230T000000Z",
            "20130524T240000Z",
            "20130524T006000Z",
            "+0130524T000000Z",
            "2013-05-24T00:00Z",
            "20130524T000000ZZ",
        ] {
            assert_eq!(Timestamp::parse(text.as_bytes()), None, "{text}");
        }
    }
}
