//! The JavaScript SDK of AWS, version 3, under Node.

use std::process::Command;

use s3_compat_tests::tool;

use crate::program::{self, scenarios};

const PROGRAM: &str = "javascript/scenarios.cjs";

fn program() -> Option<Command> {
    let node = tool::find("aws-sdk-js", "node", &["--version"], |said| said.starts_with('v'))?;
    let modules = program::libraries("javascript").join("node_modules");
    if !modules.join("@aws-sdk/client-s3").is_dir() {
        tool::skipped("aws-sdk-js", ".ci/clients has not installed it");
        return None;
    }
    let mut command = Command::new(node);
    command.arg(program::source(PROGRAM)).env("NODE_PATH", modules);
    Some(command)
}

fn scenario(name: &str) {
    if let Some(mut command) = program() {
        program::run(&mut command, name);
    }
}

scenarios! {
    attributes, conditions, copies, delete_objects, errors, many_keys, metadata, multipart, objects, odd_keys, presigned, ranges,
    streams, upload,
}

#[test]
fn every_scenario_of_the_program_is_a_test() {
    program::assert_defines(PROGRAM, "  async ", "(s3) {", SCENARIOS);
}

#[test]
fn over_tls() {
    for name in ["objects", "streams", "upload"] {
        let Some(mut command) = program() else { return };
        program::run_over_tls(&mut command, name, "HTTP/1.1");
    }
}
