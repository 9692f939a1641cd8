//! Operations on buckets.

pub(super) mod acl;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod head;
pub(super) mod list;
pub(super) mod location;
pub(super) mod probes;
