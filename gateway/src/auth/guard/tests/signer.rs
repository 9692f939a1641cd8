//! A client's side of Signature Version 4, written apart from the code under test: strings, no shared arithmetic but HMAC.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use http::request::Parts;
use sha2::{Digest, Sha256};

pub(super) const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Who signs, where and when.
pub(super) struct Signer {
    pub(super) access_key: &'static str,
    pub(super) secret: &'static str,
    pub(super) region: &'static str,
    pub(super) timestamp: &'static str,
}

/// The credentials, region and time of AWS's published examples.
pub(super) const EXAMPLE: Signer = Signer {
    access_key: "AKIAIOSFODNN7EXAMPLE",
    secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    region: "us-east-1",
    timestamp: "20130524T000000Z",
};

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn sha256(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

impl Signer {
    fn scope(&self) -> String {
        format!("{}/{}/s3/aws4_request", &self.timestamp[..8], self.region)
    }

    fn seal(&self, text: &str) -> String {
        let key = hmac(format!("AWS4{}", self.secret).as_bytes(), &self.timestamp[..8]);
        let key = hmac(&hmac(&hmac(&key, self.region), "s3"), "aws4_request");
        hex::encode(hmac(&key, text))
    }

    fn signature(&self, parts: &Parts, headers: &str, payload: &str) -> String {
        let mut pairs: Vec<String> = parts.uri.query().unwrap_or("").split('&').map(str::to_owned).collect();
        pairs.retain(|pair| !pair.is_empty());
        pairs.iter_mut().filter(|pair| !pair.contains('=')).for_each(|pair| pair.push('='));
        pairs.sort();
        let mut text = format!("{}\n{}\n{}\n", parts.method, parts.uri.path(), pairs.join("&"));
        for name in headers.split(';') {
            let values: Vec<_> =
                parts.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            text += &format!("{name}:{}\n", values.join(","));
        }
        text += &format!("\n{headers}\n{payload}");
        let (at, scope, hash) = (self.timestamp, self.scope(), sha256(text.as_bytes()));
        self.seal(&format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{hash}"))
    }

    /// Signs all headers of a request (an absent `x-amz-content-sha256` becomes UNSIGNED-PAYLOAD) and adds `x-amz-date` and
    /// `Authorization`. Answers the signature.
    pub(super) fn sign(&self, parts: &mut Parts) -> String {
        parts.headers.insert("x-amz-date", HeaderValue::from_static(self.timestamp));
        let unsigned = HeaderValue::from_static("UNSIGNED-PAYLOAD");
        let payload =
            parts.headers.entry("x-amz-content-sha256").or_insert(unsigned).to_str().unwrap().to_owned();
        let mut names: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        let names = names.join(";");
        let signature = self.signature(parts, &names, &payload);
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={names}, Signature={signature}",
            self.access_key,
            self.scope()
        );
        parts.headers.insert("authorization", value.parse().unwrap());
        signature
    }

    /// Adds the signing parameters to the query of a request, covering all its headers.
    pub(super) fn presign(&self, parts: &mut Parts, expires: &str) {
        let mut names: Vec<&str> = parts.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        let query = parts.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
        let unsigned = format!(
            "{}?{query}X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{}&X-Amz-Date={}&X-Amz-Expires={expires}\
             &X-Amz-SignedHeaders={}",
            parts.uri.path(),
            self.access_key,
            self.scope().replace('/', "%2F"),
            self.timestamp,
            names.join("%3B"),
        );
        let payload =
            parts.headers.get("x-amz-content-sha256").map(|value| value.to_str().unwrap().to_owned());
        let names = names.join(";");
        parts.uri = unsigned.parse().unwrap();
        let signature = self.signature(parts, &names, payload.as_deref().unwrap_or("UNSIGNED-PAYLOAD"));
        parts.uri = format!("{unsigned}&X-Amz-Signature={signature}").parse().unwrap();
    }

    /// Frames chunks (the empty last one is added), each signed in a chain that starts at `seed`; with a signed trailer.
    pub(super) fn chunks(&self, seed: &str, chunks: &[&[u8]], trailer: Option<&str>) -> Vec<u8> {
        let (at, scope) = (self.timestamp, self.scope());
        let mut previous = seed.to_owned();
        let mut framed = Vec::new();
        for chunk in chunks.iter().copied().chain([&b""[..]]) {
            let hash = sha256(chunk);
            let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{at}\n{scope}\n{previous}\n{EMPTY}\n{hash}");
            previous = self.seal(&text);
            framed.extend_from_slice(format!("{:x};chunk-signature={previous}\r\n", chunk.len()).as_bytes());
            framed.extend_from_slice(chunk);
            if !chunk.is_empty() {
                framed.extend_from_slice(b"\r\n");
            }
        }
        if let Some(trailer) = trailer {
            let hash = sha256(format!("{trailer}\n").as_bytes());
            let signature =
                self.seal(&format!("AWS4-HMAC-SHA256-TRAILER\n{at}\n{scope}\n{previous}\n{hash}"));
            framed.extend_from_slice(
                format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n").as_bytes(),
            );
        }
        framed.extend_from_slice(b"\r\n");
        framed
    }
}

/// Frames chunks without signatures.
pub(super) fn unsigned_chunks(chunks: &[&[u8]], trailer: &str) -> Vec<u8> {
    let mut framed = Vec::new();
    for chunk in chunks {
        framed.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        framed.extend_from_slice(chunk);
        framed.extend_from_slice(b"\r\n");
    }
    framed.extend_from_slice(b"0\r\n");
    framed.extend_from_slice(trailer.as_bytes());
    framed.extend_from_slice(b"\r\n");
    framed
}
