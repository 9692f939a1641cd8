//! SDKs of other languages: one program a language holds its scenarios, and each scenario becomes a test with a server of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use s3_compat_tests::server::{Home, Server};
use s3_compat_tests::{binary, scenario};

/// Folder of these tests: the programs stand beside them.
pub(crate) fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(file)
}

/// Where `.ci/clients` puts the libraries of `language`.
pub(crate) fn libraries(language: &str) -> PathBuf {
    binary::workspace().join("target/ci").join(language)
}

/// Runs one scenario of a program to its end against a fresh server.
#[track_caller]
pub(crate) fn run(command: &mut Command, name: &str) {
    let server = Server::start();
    scenario::run(command, name, &server);
    server.stop_clean();
}

/// The same over https, by this protocol (`HTTP/1.1`, `HTTP/2.0`).
#[track_caller]
pub(crate) fn run_over_tls(command: &mut Command, name: &str, protocol: &str) {
    run_on(Server::start_secured(&[]), command, name, protocol);
}

/// The same against a server that was started secured.
#[track_caller]
pub(crate) fn run_on(server: Server, command: &mut Command, name: &str, protocol: &str) {
    scenario::run(command, name, &server);
    assert_spoke(&server.stop_clean(), protocol);
}

/// Every request of a server that was started secured came by this protocol.
#[track_caller]
pub(crate) fn assert_spoke(home: &Home, protocol: &str) {
    let log = std::fs::read_to_string(home.access_log()).unwrap();
    assert!(!log.is_empty());
    for line in log.lines() {
        assert!(line.contains(&format!(" {protocol}\" ")), "not {protocol}: {line}");
    }
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
