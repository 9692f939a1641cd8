//! Finds the binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::environment;

/// The binary to test: `TERRACE_BIN`, else the one in the target folder of the running test, which `cargo build` brings up to date first
/// (once a process; a fresh one costs cargo half a second).
///
/// # Panics
/// If it cannot be built: nothing can be tested then.
#[must_use]
pub fn terrace() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| environment::binary().unwrap_or_else(build))
}

/// What cargo tells a test of its own package. Build scripts look at it (ring's): with it they and all above them would be built anew each time.
const OF_THIS_PACKAGE: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a running test knows its own file");
    // target/<profile>/deps/<test>, or target/<profile>/load for the load program.
    let mut profile = test.parent().expect("the test stands in a folder");
    if profile.ends_with("deps") {
        profile = profile.parent().expect("deps stands in the folder of the profile");
    }
    let target = profile.parent().expect("the folder of the profile stands in the target folder");
    let mut cargo = Command::new(environment::cargo());
    cargo.args(["build", "--quiet", "--package", "terrace", "--bin", "terrace", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    } else {
        // The battery of power losses has to show that it would find a bug.
        cargo.args(["--features", "terrace-runtime/planted-bugs"]);
    }
    for name in OF_THIS_PACKAGE {
        cargo.env_remove(name);
    }
    let status = cargo.current_dir(workspace()).status().expect("cargo starts");
    assert!(status.success(), "the binary under test does not build");
    profile.join("terrace")
}

/// The root of the source tree.
///
/// # Panics
/// Never: the crate stands one folder below it.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate stands in the workspace")
}
