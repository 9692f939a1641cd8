//! The one place that reads the environment of a test run.
#![expect(
    clippy::disallowed_methods,
    reason = "tests are steered by the environment; all of it is read here"
)]

use std::path::PathBuf;

/// The binary to test instead of the one that cargo builds (`TERRACE_BIN`).
#[must_use]
pub fn binary() -> Option<PathBuf> {
    std::env::var_os("TERRACE_BIN").map(PathBuf::from)
}

/// The cargo that runs these tests, so that a build uses the same toolchain.
#[must_use]
pub fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Whether `TERRACE_REQUIRE` names `tool`.
#[must_use]
pub fn requires(tool: &str) -> bool {
    std::env::var("TERRACE_REQUIRE").is_ok_and(|list| list.split(',').any(|name| name.trim() == tool))
}

/// Every file called `program` in the folders of `PATH`, in their order.
#[must_use]
pub fn on_path(program: &str) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// The seed of what a test does at random (`TERRACE_TEST_SEED`, a whole number), to have it again.
///
/// # Panics
/// If it is set to something else.
#[must_use]
pub fn seed() -> Option<u64> {
    std::env::var("TERRACE_TEST_SEED")
        .ok()
        .map(|text| text.parse().expect("TERRACE_TEST_SEED is a whole number"))
}
