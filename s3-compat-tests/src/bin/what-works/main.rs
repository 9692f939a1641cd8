//! Keeps `What works` of the README equal to what a run of the tests has proven: `what-works check LOG`, `what-works write LOG`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use s3_compat_tests::{binary, coverage};

const BEGIN: &str = "<!-- what works: made from a run of the tests -->\n";
const END: &str = "<!-- what works: end -->\n";
const HEAD: &str = "| Client | Proven | Tests |\n|---|---|---|\n";

/// Compares the list `What works` of the README with the outcome of a run of all tests, or makes it anew.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What to do.
    action: Action,
    /// The output of `cargo test --workspace`, with its errors.
    log: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Fails if the README says anything else than the run has proven.
    Check,
    /// Writes what the run has proven into the README.
    Write,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let log = fs::read(&arguments.log).map_err(|error| format!("{}: {error}", arguments.log.display()))?;
    let outcome = coverage::parse(&String::from_utf8_lossy(&log));
    if outcome.passed.is_empty() {
        return Err(format!("{}: no test of a client ran", arguments.log.display()).into());
    }
    if !outcome.skipped.is_empty() {
        return Err(format!("this run skipped clients: {}", outcome.skipped.join("; ")).into());
    }
    let file = binary::workspace().join("README.md");
    let readme = fs::read_to_string(&file)?;
    let made = replaced(&readme, &coverage::rows(coverage::CLIENTS, &outcome))?;
    if made == readme {
        return Ok(());
    }
    if arguments.action == Action::Check {
        let command = "cargo run -p s3-compat-tests --bin what-works -- write";
        let log = arguments.log.display();
        return Err(format!(
            "`What works` of the README is not what this run has proven; make it: {command} {log}"
        )
        .into());
    }
    Ok(fs::write(file, made)?)
}

/// The README with these rows between its two marks.
fn replaced(readme: &str, rows: &str) -> Result<String, &'static str> {
    let (before, rest) = readme.split_once(BEGIN).ok_or("the README lacks the mark that begins the list")?;
    let (_, after) = rest.split_once(END).ok_or("the README lacks the mark that ends the list")?;
    Ok([before, BEGIN, HEAD, rows, END, after].concat())
}
