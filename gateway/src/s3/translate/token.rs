//! Continuation tokens: opaque to clients, and only those made here are accepted.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use terrace_store::Refusal;

const VERSION: u8 = 1;

/// The token that continues behind `after`, the last key or common prefix of a page.
pub(crate) fn encode(after: &[u8]) -> String {
    let mut token = Vec::with_capacity(after.len() + 2);
    token.push(VERSION);
    token.extend_from_slice(after);
    token.push(check(&token));
    URL_SAFE_NO_PAD.encode(token)
}

/// What a token continues behind. An empty token continues behind nothing.
///
/// # Errors
/// `InvalidArgument`, in the words of S3.
pub(crate) fn decode(token: &str) -> Result<Bytes, Refusal> {
    let refused = Refusal::InvalidArgument("The continuation token provided is incorrect");
    if token.is_empty() {
        return Ok(Bytes::new());
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused.clone())?;
    let sum = bytes.pop();
    if bytes.first() != Some(&VERSION) || sum != Some(check(&bytes)) {
        return Err(refused);
    }
    Ok(Bytes::from(bytes).slice(1..))
}

/// Catches tokens that were cut or mistyped. It keeps nobody from making one: a token names no more than `start-after` does.
fn check(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0xA5, |sum: u8, byte| sum.rotate_left(1) ^ byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_what_it_was_made_of() {
        for after in [&b""[..], b"k", b"a/b\xFF\0", &[0xEE; 1_024]] {
            assert_eq!(decode(&encode(after)).unwrap(), after);
        }
        assert_eq!(decode("").unwrap(), "");
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let token = encode(b"some/key");
        for bad in
            [&token[1..], &token[..token.len() - 1], "!", "AQ", "some/key", &token.replacen('A', "B", 1)]
        {
            assert!(matches!(decode(bad), Err(Refusal::InvalidArgument(_))), "{bad}");
        }
    }
}
