#![doc = include_str!("../docs/architecture.md")]

pub mod faults;
pub mod history;
pub mod interruption;

mod actors;
mod oracle;
mod random;
mod report;
mod run;
mod trace;
mod world;

pub use report::{Options, Report, Violation};
pub use run::run;
