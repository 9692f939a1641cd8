#![doc = include_str!("../docs/architecture.md")]

pub mod admin;
pub mod assemble;
pub mod auth;
pub mod cli;
pub mod config;
pub mod run;
pub mod s3;
pub mod server;
pub mod telemetry;
