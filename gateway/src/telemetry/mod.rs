//! What the operator reads: the log on standard error, what is told of requests, their traces, and the process's own metrics.

mod chain;
mod log;
mod process;
pub mod requests;
mod traces;

pub use chain::chain;
pub use log::start;
pub use process::ProcessMetrics;
pub use traces::{TraceId, TracedBlobs, TracedKv, Traces};
