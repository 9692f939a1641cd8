//! One run: a seed, a thread, a world, its actors, its judges.

use crate::report::{Options, Report};

/// Runs the course of events that `seed` and `options` make, and judges it. The same two always make the same one, on any machine. Must not be
/// called on a runtime: it has its own.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Report {
    unimplemented!()
}
