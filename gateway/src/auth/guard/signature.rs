//! The arithmetic of Signature Version 4: signing keys, and the strings that are signed.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::timestamp::Timestamp;

/// SHA-256 of nothing, as the string to sign of a chunk wants it.
const EMPTY_SHA256: &[u8] = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// SHA-256 of nothing.
pub(crate) const EMPTY_SHA256_BYTES: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The key of one day, region and service, with the state of its HMAC worked out already.
#[derive(Clone)]
pub(crate) struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// Derives the key of `date` (`YYYYMMDD`) in `region` for the service `s3`: five HMACs.
    pub(crate) fn derive(secret: &str, date: [u8; 8], region: &str) -> Self {
        let secret = [b"AWS4", secret.as_bytes()].concat();
        let date = Self::of(&secret).sign(&[&date]);
        let region = Self::of(&date).sign(&[region.as_bytes()]);
        let service = Self::of(&region).sign(&[b"s3"]);
        Self::of(&Self::of(&service).sign(&[b"aws4_request"]))
    }

    fn of(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The signature of a canonical request.
    pub(crate) fn sign_request(&self, at: &Timestamp, region: &str, canonical: &[u8]) -> [u8; 32] {
        let hash = hex32(&Sha256::digest(canonical).into());
        let (algorithm, date) = (b"AWS4-HMAC-SHA256\n", &at.date());
        let region = region.as_bytes();
        self.sign(&[algorithm, at.text(), b"\n", date, b"/", region, b"/s3/aws4_request\n", &hash])
    }
}

/// Lower-case hexadecimal of 32 bytes, without an allocation.
pub(crate) fn hex32(bytes: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    hex::encode_to_slice(bytes, &mut text).expect("64 digits hold 32 bytes");
    text
}

/// 32 bytes from 64 hexadecimal digits.
pub(crate) fn parse_hex32(text: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// The chain of signatures through the chunks of one body: each covers the one before it.
#[derive(Debug)]
pub(crate) struct ChunkSigner {
    key: Arc<SigningKey>,
    context: Vec<u8>,
    previous: [u8; 64],
}

impl ChunkSigner {
    /// Starts the chain from the signature of the request.
    pub(crate) fn new(key: Arc<SigningKey>, at: &Timestamp, region: &str, seed: &[u8; 32]) -> Self {
        let date = &at.date();
        let scope: [&[u8]; 6] = [at.text(), b"\n", date, b"/", region.as_bytes(), b"/s3/aws4_request\n"];
        Self { key, context: scope.concat(), previous: hex32(seed) }
    }

    /// Whether `signature` is that of the next chunk, whose bytes hash to `hash`. Constant time; moves on if it is.
    pub(crate) fn accepts_chunk(&mut self, hash: &[u8; 32], signature: &[u8; 32]) -> bool {
        let hash = hex32(hash);
        let expected = self.key.sign(&[
            b"AWS4-HMAC-SHA256-PAYLOAD\n",
            &self.context,
            &self.previous,
            b"\n",
            EMPTY_SHA256,
            b"\n",
            &hash,
        ]);
        self.compare(&expected, signature)
    }

    /// Whether `signature` is that of the trailer, whose canonical form hashes to `hash`. Constant time.
    pub(crate) fn accepts_trailer(&mut self, hash: &[u8; 32], signature: &[u8; 32]) -> bool {
        let hash = hex32(hash);
        let expected =
            self.key.sign(&[b"AWS4-HMAC-SHA256-TRAILER\n", &self.context, &self.previous, b"\n", &hash]);
        self.compare(&expected, signature)
    }

    fn compare(&mut self, expected: &[u8; 32], signature: &[u8; 32]) -> bool {
        let same: bool = expected.ct_eq(signature).into();
        if same {
            self.previous = hex32(expected);
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        let bytes = [0xA5; 32];
        assert_eq!(parse_hex32(&hex32(&bytes)), Some(bytes));
        assert_eq!(parse_hex32(&hex32(&bytes)[..62]), None);
        assert_eq!(parse_hex32(&[b'g'; 64]), None);
    }

    #[test]
    fn the_hash_of_nothing_is_that() {
        assert_eq!(EMPTY_SHA256_BYTES, <[u8; 32]>::from(Sha256::digest(b"")));
        assert_eq!(hex32(&EMPTY_SHA256_BYTES), EMPTY_SHA256);
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", SigningKey::derive("s", *b"20130524", "r")), "SigningKey(..)");
    }
}
