//! What the operator reads: the log on standard error, what is told of requests, and the process's own metrics.

mod chain;
mod log;
mod process;
pub mod requests;

pub use chain::chain;
pub use log::start;
pub use process::ProcessMetrics;
