//! Operations on buckets.

mod create;
mod delete;
mod list;
mod usage;

pub use list::BucketInfo;
pub use usage::Usage;
