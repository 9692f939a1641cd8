//! The gateway of Terrace.

pub mod auth;
