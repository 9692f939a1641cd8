//! Where things lie.

use std::collections::BTreeSet;

use crate::tree::Tree;
use crate::{assert_caught, assert_kept};

/// All that the root may hold.
const ROOT: &[&str] = &[
    ".cargo/",
    ".ci/",
    ".clippy.toml",
    ".config/",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "charts/",
    "gateway/",
    "s3-compat-tests/",
    "tiers/",
];

/// The line of `README.md` above the folder map.
const MAP: &str = "## Folder map";

fn strangers_in_the_root(tree: &Tree) -> Vec<String> {
    tree.root
        .iter()
        .filter(|entry| !ROOT.contains(&entry.as_str()))
        .map(|entry| format!("root: {entry}"))
        .collect()
}

/// The paths of the folder map: a line is a name and its meaning, two spaces deeper than the folder it lies in.
fn map(readme: &str) -> Vec<String> {
    let section = readme.split_once(MAP).map_or("", |(_, rest)| rest);
    let mut parents: Vec<String> = Vec::new();
    let mut paths = Vec::new();
    for line in
        section.lines().skip_while(|line| !line.starts_with("```")).skip(1).take_while(|line| *line != "```")
    {
        let depth = (line.len() - line.trim_start().len()) / 2;
        parents.truncate(depth);
        let path = parents.concat() + line.split_whitespace().next().unwrap_or_default();
        if path.ends_with('/') {
            parents.push(path.strip_prefix(&parents.concat()).unwrap_or(&path).to_owned());
        }
        paths.push(path);
    }
    paths
}

/// What the map must show: the root, every package, and every folder directly below its `src/`.
fn landmarks(tree: &Tree) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = tree.root.iter().cloned().collect();
    let packages: Vec<&str> = tree.packages().map(|(folder, _)| folder).collect();
    all.extend(packages.iter().map(|folder| format!("{folder}/")));
    for path in tree.files.keys() {
        let Some((package, below)) = path.split_once("/src/") else { continue };
        if let (true, Some((folder, _))) = (packages.contains(&package), below.split_once('/')) {
            all.insert(format!("{package}/src/{folder}/"));
        }
    }
    all
}

fn map_errors(tree: &Tree) -> Vec<String> {
    let map = map(tree.files.get("README.md").map_or("", String::as_str));
    let exists = |path: &String| {
        tree.files.contains_key(path)
            || (path.ends_with('/') && tree.files.keys().any(|file| file.starts_with(path)))
    };
    let missing = landmarks(tree).into_iter().filter(|path| !map.contains(path));
    let mut found: Vec<String> =
        missing.map(|path| format!("README.md: the folder map lacks {path}")).collect();
    let gone = map.iter().filter(|path| !exists(path));
    found.extend(gone.map(|path| format!("README.md: the folder map shows {path}, which is not there")));
    found
}

fn self_named_modules(tree: &Tree) -> Vec<String> {
    let folder_of = |path: &str| path.strip_suffix(".rs").map(|stem| format!("{stem}/"));
    let beside = |path: &&String| {
        let folder = folder_of(path).unwrap_or_else(|| "\0".to_owned());
        path.contains("/src/")
            && tree.files.keys().any(|file| file.starts_with(&folder) && file.ends_with(".rs"))
    };
    tree.files
        .keys()
        .filter(beside)
        .map(|path| format!("{path}: belongs into its folder as mod.rs"))
        .collect()
}

/// Crates whose documentation is not `docs/architecture.md`.
fn undocumented_crates(tree: &Tree) -> Vec<String> {
    let include = "#![doc = include_str!(\"../docs/architecture.md\")]";
    let mut found = Vec::new();
    for (folder, _) in tree.packages() {
        let page = tree.files.get(&format!("{folder}/docs/architecture.md"));
        let roots = ["lib.rs", "main.rs"].map(|root| tree.files.get(&format!("{folder}/src/{root}")));
        if page.is_none_or(|text| text.trim().is_empty()) {
            found.push(format!("{folder}: no docs/architecture.md"));
        } else if !roots.iter().flatten().any(|text| text.starts_with(include)) {
            found.push(format!("{folder}: its root does not begin with {include}"));
        }
    }
    found
}

#[test]
fn the_root_holds_exactly_what_it_may() {
    assert_kept(&strangers_in_the_root(&Tree::of_workspace()));
}

#[test]
fn a_stranger_in_the_root_is_caught() {
    let root = ["Cargo.toml", "scripts/", "tiers", "tiers/"].map(str::to_owned).to_vec();
    let tree = Tree { root, ..Tree::default() };
    assert_caught(&strangers_in_the_root(&tree), &["scripts/", "tiers"]);
}

#[test]
fn the_folder_map_of_the_readme_is_the_tree() {
    assert_kept(&map_errors(&Tree::of_workspace()));
}

#[test]
fn a_folder_that_is_not_on_the_map_and_one_that_is_only_there_are_caught() {
    let readme = "# x\n## Folder map\n\n```text\nREADME.md  this\na/         one\n  b/       two\n  gone/    three\n    src/y/ four\n```\n";
    let mut tree = Tree::sample(&[("README.md", readme), ("a/b/Cargo.toml", ""), ("a/b/src/x/mod.rs", "")]);
    tree.root = ["README.md", "a/", "z/"].map(str::to_owned).to_vec();
    let each = ["lacks a/b/src/x/", "lacks z/", "shows a/gone/,", "shows a/gone/src/y/,"];
    assert_caught(&map_errors(&tree), &each);
}

#[test]
fn a_readme_without_a_map_is_caught() {
    let mut tree = Tree::sample(&[("README.md", "# x\n")]);
    tree.root = vec!["README.md".to_owned()];
    assert_caught(&map_errors(&tree), &["lacks README.md"]);
}

#[test]
fn a_module_with_a_folder_is_its_mod_rs() {
    assert_kept(&self_named_modules(&Tree::of_workspace()));
}

#[test]
fn a_module_file_beside_its_folder_is_caught() {
    let tree =
        Tree::sample(&[("x/src/a.rs", ""), ("x/src/a/b.rs", ""), ("x/src/c/mod.rs", ""), ("x/src/d.rs", "")]);
    assert_caught(&self_named_modules(&tree), &["x/src/a.rs"]);
}

#[test]
fn every_crate_is_documented_by_its_architecture_page() {
    assert_kept(&undocumented_crates(&Tree::of_workspace()));
}

#[test]
fn a_crate_without_its_page_or_without_including_it_is_caught() {
    let include = "#![doc = include_str!(\"../docs/architecture.md\")]\n";
    let tree = Tree::sample(&[
        ("a/Cargo.toml", ""),
        ("a/src/lib.rs", include),
        ("b/Cargo.toml", ""),
        ("b/docs/architecture.md", "# b"),
        ("b/src/lib.rs", "//! b"),
        ("c/Cargo.toml", ""),
        ("c/docs/architecture.md", "# c"),
        ("c/src/main.rs", include),
    ]);
    assert_caught(&undocumented_crates(&tree), &["a: no docs", "b: its root"]);
}
