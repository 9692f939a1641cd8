//! Bodies that no compressor shrinks and no two seeds share.

/// `length` bytes that depend on `seed` alone (SplitMix64).
#[must_use]
pub fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut word = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = word;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
