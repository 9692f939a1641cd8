//! Durations, written `250ms`, `5s`, `10m`, `1h`, `8d`; a number without a unit is refused, because it does not say what it counts.
//! Used as `#[serde(with = "duration")]` on plain `Duration` fields.

use std::fmt;
use std::time::Duration;

use serde::{Deserializer, Serializer, de};

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor).map(Duration::from_millis)
}

pub(super) fn format(duration: Duration) -> String {
    let ms = duration.as_millis();
    let exact = UNITS.iter().find(|(_, factor)| ms > 0 && ms.is_multiple_of(u128::from(*factor)));
    exact.map_or_else(|| format!("{ms}ms"), |(name, factor)| format!("{}{name}", ms / u128::from(*factor)))
}

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a duration with its unit, such as \"250ms\", \"5s\", \"10m\", \"1h\" or \"8d\"")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Duration, E> {
        parse(value).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, ms) in
            [("250ms", 250), ("5s", 5_000), ("10 m", 600_000), ("1h", 3_600_000), ("8d", 691_200_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "1.5s", "5 parsecs", "99999999999999999999d", "213503982335d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_formatted_duration_reads_back_as_the_same() {
        for ms in [0, 1, 999, 1_000, 90_000, 86_400_000] {
            let duration = Duration::from_millis(ms);
            assert_eq!(parse(&format(duration)), Some(duration));
        }
    }
}
