//! Every client against the real binary, with its default settings.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws_cli;
mod aws_sdk;
mod boto3;
mod command_line;
mod coverage;
mod duplicity;
mod files;
mod go;
mod java;
mod javascript;
mod keys;
mod kopia;
mod litestream;
mod program;
mod rclone;
mod restic;
mod s3cmd;
mod s5cmd;
