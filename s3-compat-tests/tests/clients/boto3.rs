//! The Python SDK of AWS.

use std::process::Command;

use s3_compat_tests::tool;

use crate::program::{self, scenarios};

const PROGRAM: &str = "boto3_scenarios.py";

fn scenario(name: &str) {
    let Some(python) = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true) else { return };
    program::run(Command::new(python).arg("-B").arg(program::source(PROGRAM)), name);
}

scenarios! {
    attributes, buckets, checksums, conditions, copies, delete_objects, errors, listing, many_keys, metadata, multipart,
    multipart_checksums, objects, odd_keys, part_copy, presigned, ranges, streams, upload_file,
}

#[test]
fn every_scenario_of_the_script_is_a_test() {
    program::assert_defines(PROGRAM, "def ", "(s3):", SCENARIOS);
}
