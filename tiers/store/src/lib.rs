#![doc = include_str!("../docs/architecture.md")]

pub mod name;
pub mod object;

mod error;
pub mod ops;
mod rows;
mod store;

pub use error::{Error, Failure, FailureKind, Refusal, Result};
pub use store::Store;
