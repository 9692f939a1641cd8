#![doc = include_str!("../docs/architecture.md")]

pub mod digest;
pub mod name;
pub mod object;

pub mod ops;

mod backup;
mod body;
mod catalog;
mod error;
pub mod fsck;
mod metrics;
mod reclaim;
mod rows;
mod store;
mod ticket;
mod transact;

pub use backup::{Frozen, NamedBlob};
pub use error::{Error, Failure, FailureKind, Refusal, Result};
pub use store::{Boundless, OpenError, Parts, Settings, Space, Store};
pub use ticket::Fences;
