//! Ids of requests.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;
use terrace_runtime::Ids;

/// The id of one request: 16 upper-case hexadecimal digits, in `x-amz-request-id`, in error documents and in the log. Handlers see it as
/// the extension [`crate::auth::RequestId`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RequestId([u8; 16]);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) fn extension(self) -> crate::auth::RequestId {
        crate::auth::RequestId(self.as_str().to_owned())
    }

    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Mints ids: a counter from a random start, scrambled one to one, so that no two of a process are the same. No system call.
#[derive(Debug)]
pub(super) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(ids: &dyn Ids) -> Self {
        Self { next: AtomicU64::new(ids.random()) }
    }

    pub(super) fn mint(&self) -> RequestId {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let mut word = self.next.fetch_add(1, Ordering::Relaxed);
        // The finalizer of MurmurHash3: a bijection of 64 bits.
        word = (word ^ (word >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        word = (word ^ (word >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
        word ^= word >> 33;
        let mut digits = [0; 16];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(word & 0xF) as usize];
            word >>= 4;
        }
        RequestId(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_16_upper_case_hexadecimal_digits_and_never_repeat() {
        let ids = RequestIds::new(&terrace_runtime::SystemIds);
        let minted: HashSet<_> = (0..10_000).map(|_| ids.mint()).collect();
        assert_eq!(minted.len(), 10_000);
        let digit = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        assert!(minted.iter().all(|id| id.as_str().len() == 16 && id.as_str().bytes().all(digit)));
        assert!(minted.iter().all(|id| id.header() == id.as_str()));
    }
}
