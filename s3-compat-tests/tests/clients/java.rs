//! The Java SDK of AWS, version 2: its plain client, and its asynchronous one, which moves large objects in parts.

use std::process::Command;

use s3_compat_tests::tool;

use crate::program::{self, scenarios};

const PROGRAM: &str = "java/Scenarios.java";

fn scenario(name: &str) {
    let Some(java) = tool::find("aws-sdk-java", "java", &["--version"], |_| true) else {
        return;
    };
    let jars = program::libraries("java");
    if !jars.is_dir() {
        return tool::skipped("aws-sdk-java", ".ci/clients has not installed it");
    }
    // Java compiles a single file by itself.
    program::run(Command::new(java).arg("-cp").arg(jars.join("*")).arg(program::source(PROGRAM)), name);
}

scenarios! {
    attributes, conditions, copies, delete_objects, failures, many_keys, metadata, multipart, objects, odd_keys, presigned, ranges,
    transfers,
}

#[test]
fn every_scenario_of_the_program_is_a_test() {
    program::assert_defines(PROGRAM, "    static void ", "(S3Client s3) throws Exception {", SCENARIOS);
}
