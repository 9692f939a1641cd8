//! The page of what clients need names tests that exist.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item};

use crate::tree::Tree;
use crate::{assert_caught, assert_kept};

const PAGE: &str = "s3-compat-tests/docs/clients.md";

/// First part of a name, and the folder that it stands for.
const ROOTS: &[(&str, &str)] = &[
    ("bad_input", "s3-compat-tests/tests/bad_input/"),
    ("clients", "s3-compat-tests/tests/clients/"),
    ("gateway", "gateway/src/"),
    ("protocol", "s3-compat-tests/tests/protocol/"),
];

fn is_test(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test"))
}

/// Names of the tests among items, also of inline modules, and those that the macro `scenarios!` makes.
fn tests(items: &[Item], found: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Fn(function) if is_test(&function.attrs) => {
                found.insert(function.sig.ident.to_string());
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    tests(items, found);
                }
            }
            Item::Macro(called) if called.mac.path.is_ident("scenarios") => {
                found.extend(identifiers(called.mac.tokens.clone()));
            }
            _ => {}
        }
    }
}

fn identifiers(tokens: TokenStream) -> impl Iterator<Item = String> {
    tokens.into_iter().filter_map(|token| match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    })
}

/// The names of tests in the tables of the page: what stands between backquotes and has a `::`.
fn named(page: &str) -> impl Iterator<Item = &str> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|text| text.contains("::"))
}

/// Why a name is not that of a test, if so.
fn missing(tree: &Tree, name: &str) -> Option<&'static str> {
    let (module, test) = name.rsplit_once("::")?;
    let (root, path) = module.split_once("::").unwrap_or((module, ""));
    let Some((_, folder)) = ROOTS.iter().find(|(first, _)| *first == root) else {
        return Some("begins with no part of the tree");
    };
    let stem = format!("{folder}{}", path.replace("::", "/"));
    let below = format!("{stem}/");
    let is_inside = |file: &str| {
        file == format!("{stem}.rs")
            || (test == "*" && file.starts_with(&below))
            || file == format!("{below}mod.rs")
    };
    let mut found = BTreeSet::new();
    for (file, parsed) in tree.rust_text().filter(|(file, _)| is_inside(file)) {
        let parsed = syn::parse_file(parsed).unwrap_or_else(|error| panic!("{file}: {error}"));
        tests(&parsed.items, &mut found);
    }
    let holds = if test == "*" { !found.is_empty() } else { found.contains(test) };
    (!holds).then_some("is no test")
}

fn unproven(tree: &Tree) -> Vec<String> {
    let page = tree.files.get(PAGE).map_or("", String::as_str);
    let names: BTreeSet<&str> = named(page).collect();
    if names.is_empty() {
        return vec![format!("{PAGE}: names no test")];
    }
    names.into_iter().filter_map(|name| Some(format!("{PAGE}: {name} {}", missing(tree, name)?))).collect()
}

#[test]
fn every_test_that_proves_what_clients_need_exists() {
    assert_kept(&unproven(&Tree::of_workspace()));
}

#[test]
fn a_proof_that_is_gone_or_lies_elsewhere_is_caught() {
    let page = "`outside::x`\n| a | `clients::one::there`, `clients::one::helper`, `clients::one::made` |\n\
        | b | `clients::two::*`, `clients::three::*`, `elsewhere::one::there`, `gateway::a::inline`, `gateway::b::gone` |\n";
    let tree = Tree::sample(&[
        (PAGE, page),
        ("s3-compat-tests/tests/clients/one.rs", "#[test] fn there() {} fn helper() {} scenarios! { made, }"),
        ("s3-compat-tests/tests/clients/two/deep.rs", "#[tokio::test] async fn x() {}"),
        ("s3-compat-tests/tests/clients/three/mod.rs", "fn x() {}"),
        ("gateway/src/a.rs", "mod tests { #[test] fn inline() {} }"),
        ("gateway/src/b.rs", "mod tests { fn gone() {} }"),
    ]);
    let each = [
        "one::helper is no test",
        "three::* is no test",
        "elsewhere::one::there begins",
        "b::gone is no test",
    ];
    assert_caught(&unproven(&tree), &each);
    assert_caught(&unproven(&Tree::sample(&[(PAGE, "# empty\n")])), &["names no test"]);
}
