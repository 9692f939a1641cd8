//! What no file may contain. Clippy bans the same functions; it does not see into macros, nor into code that is not compiled here.

use syn::visit::{self, Visit};

use crate::tree::{Tree, tokens};
use crate::{assert_caught, assert_kept};

/// A path as tokens without spaces, and the files or folders that may hold it.
const BANS: &[(&str, &[&str])] = &[
    ("SystemTime::now", &["tiers/runtime/src/clock.rs"]),
    ("std::time::Instant::now", &[]),
    ("Uuid::now_v7", &["tiers/runtime/src/ids.rs"]),
    ("Uuid::new_v4", &[]),
    ("tokio::spawn", &[]),
    ("task::spawn", &[]),
    ("task::spawn_blocking", &[]),
    ("task::spawn_local", &[]),
    ("thread::spawn", &[]),
    ("thread::sleep", &[]),
    ("env::var", &["gateway/src/config/", "s3-compat-tests/src/environment.rs"]),
    ("env::var_os", &["gateway/src/config/", "s3-compat-tests/src/environment.rs"]),
    ("env::vars", &["gateway/src/config/"]),
    ("env::vars_os", &["gateway/src/config/"]),
    (
        "disallowed_methods",
        &[
            "tiers/runtime/src/clock.rs",
            "tiers/runtime/src/ids.rs",
            "gateway/src/config/",
            "s3-compat-tests/src/environment.rs",
        ],
    ),
];

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

fn banned_paths(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.rust_text() {
        let tokens = tokens(text);
        for (banned, homes) in BANS {
            if homes.iter().any(|home| path.starts_with(home)) {
                continue;
            }
            let words = words(banned);
            let hit =
                |window: &&[crate::tree::Token]| window.iter().map(|token| &token.text).eq(words.iter());
            let hits = tokens.windows(words.len()).filter(hit);
            found.extend(hits.map(|window| format!("{path}:{}: {banned}", window[0].line)));
        }
    }
    found
}

/// `a::b` as its tokens `a`, `:`, `:`, `b`.
fn words(path: &str) -> Vec<String> {
    let colons = [":".to_owned(), ":".to_owned()];
    path.split("::").map(|name| vec![name.to_owned()]).collect::<Vec<_>>().join(&colons[..])
}

struct Ignored<'t> {
    path: &'t str,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Ignored<'_> {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let conditional = |list: &syn::MetaList| {
            list.path.is_ident("cfg_attr")
                && list.tokens.clone().into_iter().any(|token| token.to_string() == "ignore")
        };
        let hidden = matches!(&attribute.meta, syn::Meta::List(list) if conditional(list));
        if attribute.path().is_ident("ignore") || hidden {
            self.found.push(format!("{}: an ignored test", self.path));
        }
        visit::visit_attribute(self, attribute);
    }
}

fn ignored_tests(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in tree.rust() {
        let mut ignored = Ignored { path, found: Vec::new() };
        ignored.visit_file(&file);
        found.append(&mut ignored.found);
    }
    found
}

/// The one crate with unsafe code: it loads a C library.
const LOADER: &str = "tiers/high-volume-fdb/loader";

/// The unsafe keyword, but for the loader.
fn unsafe_code(tree: &Tree) -> Vec<String> {
    let outside =
        tree.rust_text().filter(|(path, _)| !path.strip_prefix(LOADER).is_some_and(|p| p.starts_with('/')));
    outside
        .filter(|(_, text)| tokens(text).iter().any(|token| token.text == "unsafe"))
        .map(|(path, _)| format!("{path}: unsafe code"))
        .collect()
}

/// Packages without the lints of the workspace, and a workspace that does not forbid unsafe code: then macros could bring it in, which the search
/// for the keyword does not see.
fn unforbidden(tree: &Tree) -> Vec<String> {
    let table = |path: &str, text: &str| -> toml::Table {
        text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let at = |table: &toml::Table, path: &[&str]| -> Option<toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(table.get(*first)?, |value, name| value.get(name)).cloned()
    };
    let mut found = Vec::new();
    let root = tree.files.get("Cargo.toml").map_or("", String::as_str);
    let lint = at(&table("Cargo.toml", root), &["workspace", "lints", "rust", "unsafe_code"]);
    if lint != Some("forbid".into()) {
        found.push("Cargo.toml: workspace.lints does not forbid unsafe_code".to_owned());
    }
    for (folder, text) in tree.packages().filter(|(folder, _)| *folder != LOADER) {
        if at(&table(folder, text), &["lints", "workspace"]) != Some(true.into()) {
            found.push(format!("{folder}: without the lints of the workspace"));
        }
    }
    found
}

fn empty_names(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for path in tree.files.keys() {
        let named = |part: &str| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or(part));
        if path.split('/').any(named) {
            found.push(format!("{path}: a name that says nothing"));
        }
    }
    for (path, file) in tree.rust() {
        let modules = file.items.iter().filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        });
        let empty = modules.filter(|name| EMPTY_NAMES.contains(&name.as_str()));
        found.extend(empty.map(|name| format!("{path}: mod {name} says nothing")));
    }
    found
}

#[test]
fn time_randomness_tasks_and_environment_come_through_one_door() {
    assert_kept(&banned_paths(&Tree::of_workspace()));
}

#[test]
fn a_banned_call_is_caught_also_in_a_macro_and_not_in_a_comment_a_string_or_its_home() {
    let bad = "fn f() {\n g!(tokio::spawn(x));\n}\nuse std::env::var;\n";
    let good = "// tokio::spawn\n/// SystemTime::now\nfn f() { g(\"thread::sleep\"); tokio::spawner(); }";
    let home = "fn f() { SystemTime::now(); }";
    let tree = Tree::sample(&[("a.rs", bad), ("b.rs", good), ("tiers/runtime/src/clock.rs", home)]);
    assert_caught(&banned_paths(&tree), &["a.rs:2: tokio::spawn", "a.rs:4: env::var"]);
}

#[test]
fn no_test_is_ignored() {
    assert_kept(&ignored_tests(&Tree::of_workspace()));
}

#[test]
fn an_ignored_test_is_caught_in_each_spelling() {
    let bad = [
        "#[test] #[ignore] fn f() {}",
        "#[ignore = \"slow\"] fn f() {}",
        "#[cfg_attr(unix, ignore)] fn f() {}",
    ];
    let tree = Tree::sample(&[
        ("a.rs", bad[0]),
        ("b.rs", bad[1]),
        ("c.rs", bad[2]),
        ("d.rs", "/// ignore\nfn f() {}"),
    ]);
    assert_caught(&ignored_tests(&tree), &["a.rs", "b.rs", "c.rs"]);
}

#[test]
fn there_is_no_unsafe_code() {
    assert_kept(&unsafe_code(&Tree::of_workspace()));
}

#[test]
fn unsafe_code_is_caught_outside_of_the_loader() {
    let text = "fn f() { unsafe { g() } }";
    let tree = Tree::sample(&[
        ("a.rs", text),
        ("b.rs", "// unsafe"),
        ("tiers/high-volume-fdb/loader/src/lib.rs", text),
    ]);
    assert_caught(&unsafe_code(&tree), &["a.rs"]);
}

#[test]
fn every_package_but_the_loader_forbids_unsafe_code() {
    assert_kept(&unforbidden(&Tree::of_workspace()));
}

#[test]
fn a_package_without_the_lints_and_a_workspace_that_only_warns_are_caught() {
    let root = |level: &str| format!("[workspace.lints.rust]\nunsafe_code = \"{level}\"\n");
    let held = "[lints]\nworkspace = true\n";
    let tree = Tree::sample(&[
        ("Cargo.toml", &root("forbid")),
        ("a/Cargo.toml", held),
        ("b/Cargo.toml", "[lints.rust]\nunsafe_code = \"forbid\"\n"),
        ("tiers/high-volume-fdb/loader/Cargo.toml", ""),
    ]);
    assert_caught(&unforbidden(&tree), &["b: without"]);
    assert_caught(&unforbidden(&Tree::sample(&[("Cargo.toml", &root("warn"))])), &["does not forbid"]);
}

#[test]
fn names_say_what_a_file_holds() {
    assert_kept(&empty_names(&Tree::of_workspace()));
}

#[test]
fn empty_names_are_caught_in_files_folders_and_modules() {
    let tree = Tree::sample(&[
        ("x/src/utils.rs", ""),
        ("x/tests/common/mod.rs", ""),
        ("x/src/lib.rs", "mod misc { }"),
    ]);
    assert_caught(&empty_names(&tree), &["utils.rs", "common/mod.rs", "mod misc"]);
}
