//! Rules 6 and 8: the digests that a client sent with a body. Only what was asked for is computed, each once.

use http::HeaderMap;
use sha2::{Digest, Sha256};

use terrace_store::digest::{Absorb, Hasher, speed};
use terrace_store::object::{Algorithm, Checksum};

use super::super::super::{BodyRefusal, Refusal, checksum};

/// The digests of one body, as far as it has been read.
#[derive(Default)]
pub(crate) struct Digests {
    content_sha256: Option<([u8; 32], Sha256)>,
    content_md5: Option<([u8; 16], md5::Context)>,
    checksum: Option<Promise>,
    /// Of the checksum; `None` where it is the SHA-256 that is computed anyway.
    hasher: Option<Hasher>,
}

/// A checksum that the client sent, or will send in the trailer.
#[derive(Debug, Clone)]
enum Promise {
    Known(Checksum),
    Trailer(Algorithm),
}

impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digests").field("checksum", &self.checksum).finish_non_exhaustive()
    }
}

impl Digests {
    /// What the headers ask for; `None` if nothing. `body_checksum` is false where `x-amz-checksum-*` speaks of an object
    /// and not of the body (`CompleteMultipartUpload`); `trailer` is the checksum announced for the trailer. Query
    /// parameters are never looked at: JS SDKs presign the CRC of an empty body.
    ///
    /// # Errors
    /// `InvalidDigest`, `InvalidRequest`: a malformed value, an unknown algorithm, more than one checksum, an algorithm
    /// without a checksum.
    pub(crate) fn asked(
        headers: &HeaderMap,
        content_sha256: Option<[u8; 32]>,
        body_checksum: bool,
        trailer: Option<Algorithm>,
    ) -> Result<Option<Box<Self>>, Refusal> {
        let content_md5 = match headers.get("content-md5") {
            Some(value) => Some(checksum::md5_of(value).ok_or(Refusal::InvalidDigest)?),
            None => None,
        };
        let mut checksum = trailer.map(Promise::Trailer);
        if body_checksum && let Some(sent) = header_checksum(headers)? {
            if checksum.is_some() {
                return Err(SEVERAL);
            }
            checksum = Some(Promise::Known(sent));
        }
        if body_checksum && checksum.is_none() && headers.contains_key("x-amz-sdk-checksum-algorithm") {
            return Err(Refusal::InvalidRequest(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
            ));
        }
        if content_sha256.is_none() && content_md5.is_none() && checksum.is_none() {
            return Ok(None);
        }
        let algorithm = checksum.as_ref().map(Promise::algorithm);
        let own = algorithm.filter(|algorithm| content_sha256.is_none() || *algorithm != Algorithm::Sha256);
        Ok(Some(Box::new(Self {
            content_sha256: content_sha256.map(|sent| (sent, Sha256::new())),
            content_md5: content_md5.map(|sent| (sent, md5::Context::new())),
            checksum,
            hasher: own.map(Hasher::new),
        })))
    }

    /// Whether a checksum was sent or announced.
    pub(crate) fn have_checksum(&self) -> bool {
        self.checksum.is_some()
    }

    /// Compares with what the client sent; `trailer` is the checksum that the trailer held. Answers the checksum that the
    /// body was verified against.
    ///
    /// # Errors
    /// The first digest that differs, or a promised trailer that did not come.
    pub(crate) fn verify(self, trailer: Option<Checksum>) -> Result<Option<Checksum>, BodyRefusal> {
        let mut computed = self.hasher.map(Hasher::finish);
        if let Some((sent, sha256)) = self.content_sha256 {
            let sha256: [u8; 32] = sha256.finalize().into();
            if sent != sha256 {
                return Err(BodyRefusal::ContentSha256Mismatch);
            }
            computed = computed.or_else(|| checksum::new(Algorithm::Sha256, &sha256));
        }
        if self.content_md5.is_some_and(|(sent, md5)| *md5.finalize() != sent) {
            return Err(BodyRefusal::BadDigest { what: "Content-MD5" });
        }
        let Some(promise) = self.checksum else { return Ok(None) };
        let algorithm = promise.algorithm();
        let sent = match promise {
            Promise::Known(sent) => sent,
            Promise::Trailer(_) => trailer.ok_or(BodyRefusal::MalformedTrailer {
                what: "The trailer that x-amz-trailer announces is missing.",
            })?,
        };
        if computed.as_ref() == Some(&sent) {
            Ok(Some(sent))
        } else {
            Err(BodyRefusal::BadDigest { what: checksum::header(algorithm) })
        }
    }
}

impl Absorb for Box<Digests> {
    fn absorb(&mut self, bytes: &[u8]) {
        if let Some((_, sha256)) = &mut self.content_sha256 {
            sha256.update(bytes);
        }
        if let Some((_, md5)) = &mut self.content_md5 {
            md5.consume(bytes);
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }

    fn bytes_per_microsecond(&self) -> usize {
        let payload = self.content_sha256.as_ref().map(|_| Algorithm::Sha256);
        let own = self.hasher.as_ref().map(Hasher::algorithm);
        speed(self.content_md5.is_some(), payload.into_iter().chain(own))
    }
}

impl Promise {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Known(checksum) => checksum.algorithm,
            Self::Trailer(algorithm) => *algorithm,
        }
    }
}

const SEVERAL: Refusal = Refusal::InvalidRequest(
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
);

/// The one `x-amz-checksum-*` header that is a value.
fn header_checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Refusal> {
    let mut found = None;
    for (name, value) in headers {
        let Some(kind) = name.as_str().strip_prefix("x-amz-checksum-") else { continue };
        if matches!(kind, "algorithm" | "type" | "mode") {
            continue;
        }
        let algorithm = checksum::of_header(name.as_str())
            .ok_or(Refusal::InvalidRequest("The checksum algorithm is not supported."))?;
        let checksum = checksum::from_base64(algorithm, value.as_bytes())
            .ok_or(Refusal::InvalidRequest("Value for an x-amz-checksum- header is invalid."))?;
        if found.replace(checksum).is_some() {
            return Err(SEVERAL);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Algorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};

    /// Of "123456789": the check values of the CRC catalogue, FIPS 180, RFC 1321 test vectors.
    const KNOWN: [(Algorithm, &str); 5] = [
        (Crc32, "cbf43926"),
        (Crc32c, "e3069283"),
        (Crc64Nvme, "ae8b14860a799888"),
        (Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ];
    const MD5: &str = "JfnnlDI7RTiF9RgfG2JNCw==";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn run(
        digests: Digests,
        data: &[u8],
        trailer: Option<Checksum>,
    ) -> Result<Option<Checksum>, BodyRefusal> {
        let mut digests = Box::new(digests);
        data.chunks(4).for_each(|piece| digests.absorb(piece));
        digests.verify(trailer)
    }

    #[test]
    fn each_algorithm_accepts_its_value_and_nothing_else() {
        for (algorithm, value) in KNOWN {
            let known = checksum::new(algorithm, &hex::decode(value).unwrap()).unwrap();
            let sent = headers(&[(checksum::header(algorithm), &checksum::to_base64(&known))]);
            let asked = || *Digests::asked(&sent, None, true, None).unwrap().unwrap();
            assert_eq!(run(asked(), b"123456789", None).unwrap(), Some(known.clone()));
            let wrong = run(asked(), b"123456780", None).unwrap_err();
            assert!(matches!(wrong, BodyRefusal::BadDigest { what } if what == checksum::header(algorithm)));
            let announced =
                || *Digests::asked(&HeaderMap::new(), None, true, Some(algorithm)).unwrap().unwrap();
            assert_eq!(run(announced(), b"123456789", Some(known.clone())).unwrap(), Some(known.clone()));
            assert!(matches!(run(announced(), b"", Some(known.clone())), Err(BodyRefusal::BadDigest { .. })));
            assert!(matches!(
                run(announced(), b"123456789", None),
                Err(BodyRefusal::MalformedTrailer { .. })
            ));
        }
    }

    #[test]
    fn content_md5_is_verified_and_a_malformed_one_refused() {
        let asked = |value: &str| Digests::asked(&headers(&[("content-md5", value)]), None, true, None);
        assert!(run(*asked(MD5).unwrap().unwrap(), b"123456789", None).is_ok());
        let wrong = run(*asked(MD5).unwrap().unwrap(), b"12345678", None);
        assert!(matches!(wrong, Err(BodyRefusal::BadDigest { what: "Content-MD5" })));
        for value in [
            "",
            "YWJj",
            "!!!!!!!!!!!!!!!!!!!!!!==",
            "25f9e794323b453885f5181f1b624d0b",
            "JfnnlDI7RTiF9RgfG2JNC",
        ] {
            assert!(matches!(asked(value), Err(Refusal::InvalidDigest)), "{value}");
        }
    }

    #[test]
    fn the_payload_hash_and_a_sha256_checksum_are_both_compared() {
        let hash: [u8; 32] = hex::decode(KNOWN[4].1).unwrap().try_into().unwrap();
        let sum = checksum::new(Sha256, &hash).unwrap();
        let sent = headers(&[("x-amz-checksum-sha256", &checksum::to_base64(&sum))]);
        let asked = |hash| *Digests::asked(&sent, Some(hash), true, None).unwrap().unwrap();
        assert_eq!(run(asked(hash), b"123456789", None).unwrap(), Some(sum));
        assert!(matches!(run(asked([0; 32]), b"123456789", None), Err(BodyRefusal::ContentSha256Mismatch)));
        let other = *Digests::asked(&HeaderMap::new(), Some(hash), true, None).unwrap().unwrap();
        assert!(matches!(run(other, b"", None), Err(BodyRefusal::ContentSha256Mismatch)));
    }

    #[test]
    fn nothing_is_computed_that_was_not_asked_for() {
        let sent = headers(&[("x-amz-checksum-mode", "ENABLED"), ("x-amz-checksum-algorithm", "CRC32")]);
        assert!(Digests::asked(&sent, None, true, None).unwrap().is_none());
        let object = headers(&[("x-amz-checksum-crc32", "AAAAAA==")]);
        assert!(Digests::asked(&object, None, false, None).unwrap().is_none());
    }

    #[test]
    fn an_algorithm_without_its_checksum_is_refused() {
        let algorithm = ("x-amz-sdk-checksum-algorithm", "CRC32");
        let alone = headers(&[algorithm]);
        assert!(matches!(Digests::asked(&alone, None, true, None), Err(Refusal::InvalidRequest(_))));
        assert!(Digests::asked(&alone, None, true, Some(Crc32)).unwrap().is_some());
        assert!(Digests::asked(&alone, None, false, None).unwrap().is_none());
        let with = headers(&[algorithm, ("x-amz-checksum-crc32", "AAAAAA==")]);
        assert!(Digests::asked(&with, None, true, None).is_ok());
    }

    #[test]
    fn several_unknown_and_malformed_checksums_are_refused() {
        for pairs in [
            &[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")][..],
            &[("x-amz-checksum-md2", "AAAAAA==")],
            &[("x-amz-checksum-crc32", "AAAA")],
            &[("x-amz-checksum-crc32", "")],
        ] {
            let asked = Digests::asked(&headers(pairs), None, true, None);
            assert!(matches!(asked, Err(Refusal::InvalidRequest(_))), "{pairs:?}");
        }
        let both = Digests::asked(&headers(&[("x-amz-checksum-crc32", "AAAAAA==")]), None, true, Some(Crc32));
        assert!(matches!(both, Err(Refusal::InvalidRequest(_))));
    }
}
