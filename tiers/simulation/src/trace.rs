//! The course of events as one number, and as lines for who wants to read it.

use std::fmt::{self, Write};

/// What happened so far.
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

/// FNV-1a (Fowler, Noll, Vo): enough to tell two courses apart.
struct Hash<'h>(&'h mut u64);

impl Write for Hash<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.0 = (*self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        Ok(())
    }
}

impl Trace {
    pub(crate) fn new(keep: bool) -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, lines: keep.then(Vec::new) }
    }

    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        // A hash takes every text.
        let _never_fails = Hash(&mut self.hash).write_fmt(what);
        if let Some(lines) = &mut self.lines {
            lines.push(what.to_string());
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}
