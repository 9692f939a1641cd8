//! Outside programs: found, or the test is skipped with a reason.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::environment;

/// What to do about something that a test needs and that is not there.
///
/// # Panics
/// If `TERRACE_REQUIRE` names it.
pub fn skipped(name: &str, why: &str) {
    assert!(!environment::requires(name), "required by TERRACE_REQUIRE: {name}: {why}");
    // Not by println: the test runner keeps that to itself when a test passes.
    let _nobody_listens = writeln!(std::io::stderr(), "skipped: {name}: {why}");
}

/// The first `program` on the path whose `probe` arguments succeed with an output that `fits`; else the test is to be skipped, which has
/// been said under `name`.
///
/// # Panics
/// If it is missing and `TERRACE_REQUIRE` names it.
#[must_use]
pub fn find(name: &str, program: &str, probe: &[&str], fits: fn(&str) -> bool) -> Option<PathBuf> {
    let mut seen = Vec::new();
    for file in environment::on_path(program) {
        match Command::new(&file).args(probe).output() {
            Ok(said) => {
                let text = String::from_utf8_lossy(&said.stdout).into_owned()
                    + &String::from_utf8_lossy(&said.stderr);
                if said.status.success() && fits(&text) {
                    return Some(file);
                }
                seen.push(format!(
                    "{} says {}",
                    file.display(),
                    text.lines().next_back().unwrap_or("nothing")
                ));
            }
            Err(error) => seen.push(format!("{}: {error}", file.display())),
        }
    }
    let why = if seen.is_empty() { format!("no {program} on the path") } else { seen.join("; ") };
    skipped(name, &why);
    None
}
