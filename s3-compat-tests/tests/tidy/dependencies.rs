//! Which package may know which.

use std::collections::BTreeSet;

use crate::tree::{Tree, tokens};
use crate::{assert_caught, assert_kept};

const RUNTIME: &str = "terrace-runtime";
const HIGH_VOLUME: &str = "terrace-high-volume";
const LONG_TERM: &str = "terrace-long-term";
const STORE: &str = "terrace-store";

/// Folder, package, and the packages of this workspace that it may depend on. A new package takes its place here first.
const DIRECTIONS: &[(&str, &str, &[&str])] = &[
    ("tiers/runtime", RUNTIME, &[]),
    ("tiers/high-volume", HIGH_VOLUME, &[RUNTIME]),
    ("tiers/high-volume-fdb", "terrace-high-volume-fdb", &[HIGH_VOLUME, RUNTIME]),
    ("tiers/high-volume-fdb/loader", "foundationdb-sys", &[]),
    ("tiers/long-term", LONG_TERM, &[RUNTIME]),
    ("tiers/long-term-gcs", "terrace-long-term-gcs", &[LONG_TERM, RUNTIME]),
    ("tiers/store", STORE, &[HIGH_VOLUME, LONG_TERM, RUNTIME]),
    ("tiers/simulation", "terrace-simulation", &[STORE, HIGH_VOLUME, LONG_TERM, RUNTIME]),
    (
        "gateway",
        "terrace",
        &[STORE, HIGH_VOLUME, LONG_TERM, RUNTIME, "terrace-high-volume-fdb", "terrace-long-term-gcs"],
    ),
    ("s3-compat-tests", "s3-compat-tests", &[]),
];

/// Crates that speak HTTP or S3: nothing below `tiers/` may depend on them.
const PROTOCOLS: &[&str] =
    &["axum", "http", "http-body", "http-body-util", "hyper", "hyper-util", "quick-xml", "s3s"];

/// The same, for one backend that itself is a cloud's HTTP client.
const PROTOCOL_HOMES: &[&str] = &["tiers/long-term-gcs"];

/// Types of backends: they may be named only where the tiers are assembled, and in tests.
const BACKENDS: &[&str] = &["LocalKv", "FilesystemBlobs"];

fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets.into_iter().flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    for table in std::iter::once(manifest).chain(tables) {
        for list in kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()) {
            for (name, value) in list {
                let renamed = value.get("package").and_then(toml::Value::as_str);
                names.insert(renamed.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

fn wrong_directions(tree: &Tree) -> Vec<String> {
    let ours: BTreeSet<&str> = DIRECTIONS.iter().map(|(_, package, _)| *package).collect();
    let mut found = Vec::new();
    for (folder, text) in tree.packages() {
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{folder}: {error}"));
        let name =
            manifest.get("package").and_then(|package| package.get("name")?.as_str()).unwrap_or_default();
        let Some((.., allowed)) =
            DIRECTIONS.iter().find(|(place, package, _)| *place == folder && *package == name)
        else {
            found.push(format!("{folder}: package {name} has no place in the table of directions"));
            continue;
        };
        for dependency in dependencies(&manifest) {
            if ours.contains(dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                found.push(format!("{folder}: must not know {dependency}"));
            }
            let protocol = folder.starts_with("tiers/") && !PROTOCOL_HOMES.contains(&folder);
            if protocol && PROTOCOLS.contains(&dependency.as_str()) {
                found.push(format!("{folder}: speaks a protocol, {dependency}"));
            }
        }
    }
    found
}

/// Backends named above the tiers, outside `gateway/src/assemble.rs` and tests.
fn named_backends(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let above = |path: &str| path.starts_with("tiers/store/src/") || path.starts_with("gateway/src/");
    let home = |path: &str| {
        path == "gateway/src/assemble.rs" || path.ends_with("/tests.rs") || path.contains("/tests/")
    };
    for (path, text) in tree.rust_text().filter(|(path, _)| above(path) && !home(path)) {
        let named = tokens(text).into_iter().find(|token| BACKENDS.contains(&token.text.as_str()));
        found.extend(named.map(|token| format!("{path}:{}: names {}", token.line, token.text)));
    }
    found
}

#[test]
fn packages_know_only_what_stands_below_them() {
    assert_kept(&wrong_directions(&Tree::of_workspace()));
}

#[test]
fn a_reversed_a_renamed_and_an_unplaced_dependency_are_caught() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    let reversed = manifest(LONG_TERM, "[dependencies]\nterrace-store.workspace = true\n");
    let renamed = manifest(RUNTIME, "[dev-dependencies]\nx = { package = \"terrace\" }\n");
    let store =
        manifest(STORE, "[target.'cfg(unix)'.dependencies]\nhyper = \"1\"\nterrace-long-term = \"0\"\n");
    let tree = Tree::sample(&[
        ("tiers/long-term/Cargo.toml", &reversed),
        ("tiers/new/Cargo.toml", &manifest("terrace-new", "")),
        ("tiers/runtime/Cargo.toml", &renamed),
        ("tiers/store/Cargo.toml", &store),
    ]);
    let each =
        ["must not know terrace-store", "tiers/new: package", "must not know terrace", "protocol, hyper"];
    assert_caught(&wrong_directions(&tree), &each);
}

#[test]
fn one_file_names_the_backends() {
    assert_kept(&named_backends(&Tree::of_workspace()));
}

#[test]
fn a_backend_named_by_the_store_is_caught() {
    let text = "use terrace_long_term::{BlobStore, FilesystemBlobs};";
    let tree = Tree::sample(&[
        ("gateway/src/assemble.rs", text),
        ("tiers/store/src/a.rs", text),
        ("tiers/store/src/a/tests.rs", text),
    ]);
    assert_caught(&named_backends(&tree), &["tiers/store/src/a.rs:1: names FilesystemBlobs"]);
}
