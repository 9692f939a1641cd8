//! The outcome of a run, and what of the table it proves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::table::Client;

/// The tests of the clients in one run of `cargo test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By the full name of a test, whether it passed.
    pub passed: BTreeMap<String, bool>,
    /// What was skipped, and why: such tests count as passed although they proved nothing.
    pub skipped: Vec<String>,
}

/// Reads the output of `cargo test --workspace` (both streams): the part of the program `tests/clients`.
#[must_use]
pub fn parse(log: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut inside = false;
    for line in log.lines().map(str::trim) {
        if line.starts_with("Running ") || line.starts_with("Doc-tests ") {
            inside = line.starts_with("Running tests/clients/main.rs ");
        } else if !inside {
            continue;
        } else if let Some(what) = line.strip_prefix("skipped: ") {
            outcome.skipped.push(what.to_owned());
        } else if let Some((name, end)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... "))
            && matches!(end, "ok" | "FAILED")
        {
            outcome.passed.insert(name.to_owned(), end == "ok");
        }
    }
    outcome
}

impl Outcome {
    /// Whether all tests of a scenario ran and passed.
    fn proves(&self, client: &Client, names: &[&str]) -> bool {
        names.iter().all(|name| {
            let full = format!("{}::{name}", client.module);
            let means =
                |test: &str| if full.ends_with("::") { test.starts_with(&full) } else { test == full };
            let mut tests = self.passed.iter().filter(|(test, _)| means(test)).peekable();
            tests.peek().is_some() && tests.all(|(_, passed)| *passed)
        })
    }
}

/// The rows of the README: a client, what it proved, and the tests that say so. A scenario with a test that failed or did not run is left out.
#[must_use]
pub fn rows(clients: &[Client], outcome: &Outcome) -> String {
    let mut text = String::new();
    for client in clients {
        let proven = client.proves.iter().filter(|(_, names)| outcome.proves(client, names));
        let words: Vec<&str> = proven.map(|(scenario, _)| scenario.words()).collect();
        let words = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
        // Writing into a string does not fail.
        let _never = writeln!(text, "| {} | {words} | `{}::` |", client.name, client.module);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coverage::Scenario;

    const CLIENTS: &[Client] = &[
        Client {
            name: "One",
            module: "one",
            proves: &[
                (Scenario::Objects, &["a", "b"]),
                (Scenario::Ranges, &["c"]),
                (Scenario::Copies, &["d::"]),
            ],
        },
        Client { name: "Two", module: "two", proves: &[(Scenario::Sync, &["absent"])] },
    ];

    const LOG: &str = "
     Running unittests src/lib.rs (target/debug/deps/x-1)
test one::c ... ok
     Running tests/clients/main.rs (target/debug/deps/clients-1)
running 5 tests
test one::a ... ok
skipped: restic: no restic on the path
test one::b ... ok
test one::c ... FAILED
test one::d::x ... ok
test one::d::y ... ok
test result: FAILED. 4 passed; 1 failed
     Running tests/tidy/main.rs (target/debug/deps/tidy-1)
test one::c ... ok
skipped: strace: no strace on the path
";

    #[test]
    fn only_what_the_clients_said_counts() {
        let outcome = parse(LOG);
        let passed: Vec<(&str, bool)> =
            outcome.passed.iter().map(|(name, ok)| (name.as_str(), *ok)).collect();
        assert_eq!(
            passed,
            [("one::a", true), ("one::b", true), ("one::c", false), ("one::d::x", true), ("one::d::y", true)]
        );
        assert_eq!(outcome.skipped, ["restic: no restic on the path"]);
    }

    #[test]
    fn a_scenario_with_a_test_that_failed_or_did_not_run_is_left_out() {
        let expected = "| One | objects small and large, copies | `one::` |\n| Two | nothing | `two::` |\n";
        assert_eq!(rows(CLIENTS, &parse(LOG)), expected);
    }
}
