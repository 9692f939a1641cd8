//! The admin listener: health, metrics, the workers' statuses, and the two operations that need a running gateway's own hands. And its
//! client, for the command line.

mod client;
mod endpoint;
mod maintenance;
mod operations;
mod readiness;
mod routes;
#[cfg(test)]
mod tests;

pub use client::{ClientError, call};
pub use endpoint::Endpoint;
pub use maintenance::Maintenance;
pub use operations::{Operations, Report};
pub use readiness::Readiness;
pub use routes::Admin;
