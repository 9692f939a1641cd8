//! What stands around a backend. Each layer is a [`BlobStore`](crate::BlobStore) around another, in this order from the outside in:
//!
//! ```text
//! measure -> limit -> retry -> timeout -> backend
//! ```
//!
//! What is measured is what the caller waits for; a retry keeps its permit; each try has its own time.

pub mod limit;
pub mod measure;
pub mod retry;
pub mod timeout;

#[cfg(test)]
mod tests;
