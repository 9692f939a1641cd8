#![doc = include_str!("../docs/architecture.md")]

mod error;
mod kv;
mod mutation;
mod range;
mod sequencer;

pub mod counts;
pub mod faults;
#[cfg(any(test, feature = "laws"))]
pub mod laws;
pub mod local;
pub mod memory;

pub use error::{KvError, KvErrorKind};
pub use kv::{Begin, CatalogVersion, Commit, Facts, Kv, Priority, Stamp, Transaction, Version};
pub use mutation::{Conflict, Mutation};
pub use range::{Key, KeyRange, Page, RangeOptions, Read, after, strinc};
pub use sequencer::OnFatal;
