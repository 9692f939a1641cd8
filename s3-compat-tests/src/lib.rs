#![doc = include_str!("../docs/architecture.md")]

pub mod authority;
pub mod binary;
pub mod body;
pub mod coverage;
pub mod environment;
pub mod http1;
pub mod process;
pub mod scenario;
pub mod server;
pub mod sign;
pub mod tool;
