//! The Python SDK of AWS.

use std::process::Command;

use s3_compat_tests::tool;

use crate::program::{self, scenarios};

const PROGRAM: &str = "boto3_scenarios.py";

fn program() -> Option<Command> {
    let python = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true)?;
    let mut command = Command::new(python);
    command.arg("-B").arg(program::source(PROGRAM));
    Some(command)
}

fn scenario(name: &str) {
    if let Some(mut command) = program() {
        program::run(&mut command, name);
    }
}

scenarios! {
    attributes, buckets, checksums, conditions, copies, delete_objects, errors, listing, many_keys, metadata, multipart,
    multipart_checksums, objects, odd_keys, part_copy, presigned, ranges, streams, upload_file,
}

#[test]
fn every_scenario_of_the_script_is_a_test() {
    program::assert_defines(PROGRAM, "def ", "(s3):", SCENARIOS);
}

#[test]
fn over_tls() {
    // There it leaves bodies out of the signature and sends a checksum behind them.
    for name in ["objects", "metadata", "multipart", "checksums", "streams", "conditions"] {
        let Some(mut command) = program() else { return };
        program::run_over_tls(&mut command, name, "HTTP/1.1");
    }
}
