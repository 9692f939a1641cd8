//! The Go SDK of AWS, version 2, with its transfer manager.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use s3_compat_tests::{process, tool};

use crate::program::{self, scenarios};

const PROGRAM: &str = "go/scenarios.go";

/// The program, built once a run. Modules that `.ci/clients` has not downloaded are not looked for.
fn built() -> Option<&'static PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let go = tool::find("aws-sdk-go", "go", &["version"], |said| said.starts_with("go version "))?;
        let folder = program::libraries("go");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("scenarios");
        let mut command = Command::new(go);
        command.args(["build", "-mod=readonly", "-o"]).arg(&file).arg(".");
        command.current_dir(program::source("go")).env("GOPROXY", "off");
        let said = process::run(&mut command, &folder);
        if said.err.contains("GOPROXY=off") {
            tool::skipped("aws-sdk-go", ".ci/clients has not downloaded its modules");
            return None;
        }
        assert!(said.status.success(), "{PROGRAM} does not build: {}", said.err);
        Some(file)
    };
    BUILT.get_or_init(build).as_ref()
}

fn scenario(name: &str) {
    if let Some(file) = built() {
        program::run(&mut Command::new(file), name);
    }
}

scenarios! {
    attributes, conditions, copies, delete_objects, failures, many_keys, metadata, multipart, objects, odd_keys, presigned, ranges,
    transfers,
}

#[test]
fn every_scenario_of_the_program_is_a_test() {
    program::assert_defines(PROGRAM, "func ", "(s3 *Client) {", SCENARIOS);
}

#[test]
fn over_tls() {
    for name in ["objects", "transfers"] {
        let Some(file) = built() else { return };
        program::run_over_tls(&mut Command::new(file), name, "HTTP/2.0");
    }
}
