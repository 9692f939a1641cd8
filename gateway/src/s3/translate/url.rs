//! `encoding-type=url`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Everything but unreserved characters and the slash. A space becomes `%20` and a plus `%2B`, which decoders of both kinds (those
/// that read `+` as a space and those that do not) read the same.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A key, prefix, delimiter or marker as a listing shows it under `encoding-type=url`.
pub(crate) fn encode(text: &[u8]) -> percent_encoding::PercentEncode<'_> {
    percent_encode(text, ESCAPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_encoding_survives_every_decoder() {
        for (key, shown) in [
            ("a/b-c_d.e~f", "a/b-c_d.e~f"),
            ("a b+c%d", "a%20b%2Bc%25d"),
            ("ä&<\u{1}\n", "%C3%A4%26%3C%01%0A"),
            ("test_file(3).png", "test_file%283%29.png"),
        ] {
            assert_eq!(encode(key.as_bytes()).to_string(), shown);
        }
    }
}
