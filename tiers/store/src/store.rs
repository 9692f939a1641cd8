//! The store: what its operations share.

/// The tiered object store. Cheap to clone.
#[derive(Clone)]
pub struct Store {}
