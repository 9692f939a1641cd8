//! What the operator reads: the log on standard error, and the process's own metrics.

mod chain;
mod log;
mod process;

pub use chain::chain;
pub use log::start;
pub use process::ProcessMetrics;
