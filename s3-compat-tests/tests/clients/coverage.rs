//! The table of coverage names exactly the tests of this program.

use std::path::Path;
use std::process::Command;

use s3_compat_tests::coverage::CLIENTS;
use s3_compat_tests::process;

/// The names of all tests of this program.
fn tests() -> Vec<String> {
    let mut list = Command::new(std::env::current_exe().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let said = process::succeed(list.arg("--list"), Path::new(scratch.path()));
    said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

fn means(full: &str, test: &str) -> bool {
    if full.ends_with("::") { test.starts_with(full) } else { test == full }
}

fn named() -> Vec<String> {
    let names = CLIENTS.iter().flat_map(|client| {
        let names = client.proves.iter().flat_map(|(_, names)| names.iter());
        names.map(|name| format!("{}::{name}", client.module))
    });
    names.collect()
}

#[test]
fn every_test_that_the_table_names_exists() {
    let tests = tests();
    let missing: Vec<String> =
        named().into_iter().filter(|name| !tests.iter().any(|test| means(name, test))).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_test_of_a_client_is_in_the_table() {
    let named = named();
    // What a test program says of itself, and of its own scenarios, is not about a client.
    let own = |test: &String| test.starts_with("coverage::") || test.contains("::every_scenario_of_the_");
    let missing: Vec<String> = tests()
        .into_iter()
        .filter(|test| !own(test) && !named.iter().any(|name| means(name, test)))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn no_scenario_is_twice_in_the_row_of_a_client() {
    for client in CLIENTS {
        for (at, (scenario, _)) in client.proves.iter().enumerate() {
            assert!(
                !client.proves[..at].iter().any(|(other, _)| other == scenario),
                "{}: {scenario:?}",
                client.name
            );
        }
    }
}
