//! However the network cuts a body, the result is the same.

use proptest::collection::vec;
use proptest::prelude::*;

use terrace_store::digest::Hasher;
use terrace_store::object::Algorithm;

use super::signer::unsigned_chunks;
use super::*;

#[derive(Debug, Clone, Copy)]
enum Form {
    Signed,
    SignedTrailer,
    Unsigned,
}

fn request(form: Form, chunks: &[Vec<u8>]) -> (Parts, Vec<u8>) {
    let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let content = chunks.concat();
    let length = content.len().to_string();
    let mut hasher = Hasher::new(Algorithm::Crc32);
    hasher.update(&content);
    let sum = crate::auth::checksum::to_base64(&hasher.finish());
    let trailer = format!("x-amz-checksum-crc32:{sum}");
    let name = match form {
        Form::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        Form::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        Form::Unsigned => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    };
    let mut headers = vec![("x-amz-content-sha256", name), ("x-amz-decoded-content-length", &length)];
    if !matches!(form, Form::Signed) {
        headers.push(("x-amz-trailer", "x-amz-checksum-crc32"));
    }
    let mut parts = parts("PUT", "/b/k", &headers);
    let seed = EXAMPLE.sign(&mut parts);
    let framed = match form {
        Form::Signed => EXAMPLE.chunks(&seed, &chunks, None),
        Form::SignedTrailer => EXAMPLE.chunks(&seed, &chunks, Some(&trailer)),
        Form::Unsigned => unsigned_chunks(&chunks, &format!("{trailer}\r\n")),
    };
    (parts, framed)
}

fn pieces(framed: &[u8], cuts: &[prop::sample::Index]) -> Vec<Bytes> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(framed.len() + 1)).collect();
    at.extend([0, framed.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| Bytes::copy_from_slice(&framed[pair[0]..pair[1]])).collect()
}

fn forms() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Signed), Just(Form::SignedTrailer), Just(Form::Unsigned)]
}

fn run(parts: Parts, pieces: Vec<Bytes>) -> Result<Bytes, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(read(&guard(), in_pieces(parts, pieces))).map(|(_, body)| body)
}

proptest! {
    #[test]
    fn any_split_of_the_wire_gives_the_same_body(
        form in forms(),
        chunks in vec(vec(any::<u8>(), 1..40), 0..5),
        cuts in vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let (parts, framed) = request(form, &chunks);
        prop_assert_eq!(run(parts, pieces(&framed, &cuts)), Ok(Bytes::from(chunks.concat())));
    }

    #[test]
    fn no_proper_beginning_of_a_body_is_accepted(
        form in forms(),
        chunks in vec(vec(any::<u8>(), 1..40), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let (parts, framed) = request(form, &chunks);
        let end = cut.index(framed.len());
        let refused = run(parts, vec![Bytes::copy_from_slice(&framed[..end])]).unwrap_err();
        prop_assert_eq!(refused, "400 IncompleteBody");
    }

    #[test]
    fn no_changed_byte_of_a_signed_body_gives_another_body(
        chunks in vec(vec(any::<u8>(), 1..40), 1..4),
        place in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let (parts, mut framed) = request(Form::SignedTrailer, &chunks);
        let index = place.index(framed.len());
        framed[index] ^= flip;
        if let Ok(body) = run(parts, vec![Bytes::from(framed)]) {
            prop_assert_eq!(body, Bytes::from(chunks.concat()), "harmless: case of a hexadecimal digit or a name");
        }
    }
}
