//! Every client against the real binary, with its default settings.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws_cli;
mod aws_sdk;
mod boto3;
mod go;
mod java;
mod javascript;
mod program;
mod restic;
