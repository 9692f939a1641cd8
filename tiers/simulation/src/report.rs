//! What a run says of itself.

use std::fmt;

use crate::faults::Tally;

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Clients at once.
    pub clients: u32,
    /// Calls of each client.
    pub calls: u32,
    /// Whether anything goes wrong. How much is the seed's choice.
    pub faults: bool,
    /// Whether the lines of the trace are kept, to be read.
    pub keep_trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 6, calls: 40, faults: true, keep_trace: false }
    }
}

/// A promise that a run saw broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which oracle says so.
    pub oracle: &'static str,
    /// What it saw.
    pub what: String,
}

/// Outcome of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What was broken; empty: nothing.
    pub violations: Vec<Violation>,
    /// Tells one course of events from another: every call to an engine, every answer to a client, in order, with its time.
    pub trace_hash: u64,
    /// What went wrong, and whom it met.
    pub fired: Tally,
    /// Calls of clients that were answered.
    pub answered: u64,
    /// The lines of the trace, if they were asked for.
    pub trace: Vec<String>,
}

impl Report {
    /// Whether every oracle is content.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// The command that makes this run again.
    #[must_use]
    pub fn replay(&self) -> String {
        format!("cargo run --release -p terrace-simulation -- --seed {}", self.seed)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Violation { oracle, what } in &self.violations {
            writeln!(f, "seed {}: {oracle}: {what}", self.seed)?;
        }
        if !self.is_clean() {
            writeln!(f, "replay: {}", self.replay())?;
        }
        Ok(())
    }
}
