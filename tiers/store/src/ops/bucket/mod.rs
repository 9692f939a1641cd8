//! Operations on buckets.

mod create;
mod delete;
mod list;

pub use list::BucketInfo;
