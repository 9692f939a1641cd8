//! SDKs of other languages: one program a language holds its scenarios, and each scenario becomes a test with a server of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};
use s3_compat_tests::{binary, process};

/// Folder of these tests: the programs stand beside them.
pub(crate) fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(file)
}

/// Where `.ci/clients` puts the libraries of `language`.
pub(crate) fn libraries(language: &str) -> PathBuf {
    binary::workspace().join("target/ci").join(language)
}

/// Runs one scenario of a program to its end against a fresh server. The program must say `done`.
#[track_caller]
pub(crate) fn run(command: &mut Command, scenario: &str) {
    let server = Server::start();
    let scratch = server.home().scratch();
    command
        .arg(scenario)
        .current_dir(&scratch)
        .env("ENDPOINT", server.endpoint())
        .env("ACCESS_KEY", ACCESS_KEY)
        .env("SECRET_KEY", SECRET_KEY)
        .env("REGION", REGION)
        .env("SCRATCH", &scratch)
        // The settings of whoever runs the tests must not reach the client.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let said = process::succeed(command, &scratch);
    assert!(said.lines().any(|line| line == "done"), "{said}");
    server.stop_clean();
}

/// The names between `before` and `after` on the lines of a program are exactly `scenarios`.
#[track_caller]
pub(crate) fn assert_defines(file: &str, before: &str, after: &str, scenarios: &[&str]) {
    let program = std::fs::read_to_string(source(file)).unwrap();
    let defined = program.lines().filter_map(|line| line.strip_prefix(before)?.strip_suffix(after));
    assert_eq!(defined.collect::<BTreeSet<_>>(), scenarios.iter().copied().collect());
}

/// A test for each scenario, by the function `scenario(name)` of the module, and their names in `SCENARIOS`.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { scenario(stringify!($name)); })*
    };
}
pub(crate) use scenarios;
