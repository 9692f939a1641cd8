//! The Python SDK of AWS. The scenarios and their assertions are in `boto3_scenarios.py`; here each becomes a test with a server of its own.

use std::collections::BTreeSet;
use std::process::Command;

use s3_compat_tests::process;
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};
use s3_compat_tests::tool;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/boto3_scenarios.py");

fn scenario(name: &str) {
    let Some(python) = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true) else { return };
    let server = Server::start();
    let mut command = Command::new(python);
    command
        .args(["-B", SCRIPT, name])
        .env("ENDPOINT", server.endpoint())
        .env("ACCESS_KEY", ACCESS_KEY)
        .env("SECRET_KEY", SECRET_KEY)
        .env("REGION", REGION)
        .env("SCRATCH", server.home().scratch())
        // The settings of whoever runs the tests must not reach the client.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let said = process::succeed(&mut command, &server.home().scratch());
    assert!(said.contains("done"), "{said}");
    server.stop_clean();
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { scenario(stringify!($name)); })*
    };
}

scenarios! {
    attributes, buckets, checksums, conditions, copies, delete_objects, errors, listing, metadata, multipart, multipart_checksums, objects, odd_keys,
    part_copy, presigned, ranges, streams, upload_file,
}

#[test]
fn every_scenario_of_the_script_is_a_test() {
    let script = std::fs::read_to_string(SCRIPT).unwrap();
    let defined = script.lines().filter_map(|line| line.strip_prefix("def ")?.strip_suffix("(s3):"));
    assert_eq!(defined.collect::<BTreeSet<_>>(), SCENARIOS.iter().copied().collect());
}
