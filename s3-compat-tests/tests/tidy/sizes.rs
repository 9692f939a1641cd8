//! How much fits in one place.

use std::collections::BTreeSet;

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::tree::{Tree, flatten};
use crate::{assert_caught, assert_kept};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
const INLINE_TEST_LINES: usize = 150;
const ENUM_VARIANTS: usize = 20;
const REFUSALS: usize = 60;
const TRAIT_METHODS: usize = 12;
const ARGUMENTS: usize = 5;
const FOLDERS_BELOW_SRC: usize = 3;

fn long_files(tree: &Tree) -> Vec<String> {
    let code = |path: &str| [".rs", ".py", ".sh"].iter().any(|end| path.ends_with(end)) || path == ".ci/run";
    let lines =
        tree.files.iter().filter(|(path, _)| code(path)).map(|(path, text)| (path, text.lines().count()));
    lines
        .filter(|(_, lines)| *lines > FILE_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect()
}

fn deep_folders(tree: &Tree) -> Vec<String> {
    let depth = |path: &str| path.split("/src/").nth(1).map_or(0, |below| below.matches('/').count());
    tree.files
        .keys()
        .filter(|path| depth(path) > FOLDERS_BELOW_SRC)
        .map(|path| format!("{path}: too deep"))
        .collect()
}

/// Walks one file and keeps what is too large for its kind.
struct Sizes<'t> {
    path: &'t str,
    found: Vec<String>,
}

impl Sizes<'_> {
    fn check(&mut self, at: Span, what: &str, size: usize, limit: usize) {
        if size > limit {
            self.found.push(format!("{}:{}: {what} {size}, at most {limit}", self.path, at.start().line));
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let at = signature.ident.span();
        self.check(
            at,
            &format!("lines of {}:", signature.ident),
            code_lines(signature, block),
            FUNCTION_LINES,
        );
        self.arguments(signature);
    }

    fn arguments(&mut self, signature: &syn::Signature) {
        let count = signature.inputs.iter().filter(|input| matches!(input, syn::FnArg::Typed(_))).count();
        self.check(signature.ident.span(), &format!("arguments of {}:", signature.ident), count, ARGUMENTS);
    }
}

/// Lines with code on them, from `fn` to the closing brace: comments and blank lines are free.
fn code_lines(signature: &syn::Signature, block: &syn::Block) -> usize {
    let mut tokens = Vec::new();
    flatten(signature.to_token_stream(), &mut tokens);
    flatten(block.to_token_stream(), &mut tokens);
    tokens.iter().flat_map(|token| token.line..=token.end).collect::<BTreeSet<_>>().len()
}

impl<'ast> Visit<'ast> for Sizes<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        match &item.default {
            Some(block) => self.function(&item.sig, block),
            None => self.arguments(&item.sig),
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let limit = if item.ident == "Refusal" { REFUSALS } else { ENUM_VARIANTS };
        self.check(item.ident.span(), &format!("variants of {}:", item.ident), item.variants.len(), limit);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let methods = item.items.iter().filter(|item| matches!(item, syn::TraitItem::Fn(_))).count();
        self.check(item.ident.span(), &format!("methods of {}:", item.ident), methods, TRAIT_METHODS);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test =
            item.attrs.iter().any(|attribute| attribute.meta.to_token_stream().to_string() == "cfg (test)");
        if test && item.content.is_some() {
            let lines = item.span().end().line - item.span().start().line + 1;
            self.check(item.ident.span(), "lines of tests beside the code:", lines, INLINE_TEST_LINES);
        }
        visit::visit_item_mod(self, item);
    }
}

fn large_items(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in tree.rust() {
        let mut sizes = Sizes { path, found: Vec::new() };
        sizes.visit_file(&file);
        found.append(&mut sizes.found);
    }
    found
}

#[test]
fn no_file_is_longer_than_600_lines() {
    assert_kept(&long_files(&Tree::of_workspace()));
}

#[test]
fn a_file_of_601_lines_is_caught() {
    let tree = Tree::sample(&[
        ("a.rs", &"//\n".repeat(601)),
        ("b.py", &"#\n".repeat(601)),
        ("c.rs", &"//\n".repeat(600)),
    ]);
    assert_caught(&long_files(&tree), &["a.rs: 601", "b.py: 601"]);
}

#[test]
fn no_file_lies_deeper_than_3_folders_below_src() {
    assert_kept(&deep_folders(&Tree::of_workspace()));
}

#[test]
fn a_file_4_folders_below_src_is_caught() {
    let tree = Tree::sample(&[("x/src/a/b/c/d/e.rs", ""), ("x/src/a/b/c/d.rs", "")]);
    assert_caught(&deep_folders(&tree), &["x/src/a/b/c/d/e.rs"]);
}

#[test]
fn functions_enums_traits_and_inline_tests_keep_their_size() {
    assert_kept(&large_items(&Tree::of_workspace()));
}

#[test]
fn a_function_of_71_lines_of_code_is_caught_and_comments_are_free() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "g(); // why\n// why\n\n".repeat(lines - 2));
    let method = format!("struct S; impl S {{\n{}}}", function(71));
    let tree = Tree::sample(&[("a.rs", &function(71)), ("b.rs", &function(70)), ("c.rs", &method)]);
    assert_caught(&large_items(&tree), &["a.rs:1: lines of f: 71", "c.rs:2: lines of f: 71"]);
}

#[test]
fn a_string_over_many_lines_counts_with_all_its_lines() {
    let text = format!("fn f() {{\ng(\"{}\");\n}}\n", "x\n".repeat(80));
    assert_caught(&large_items(&Tree::sample(&[("a.rs", &text)])), &["lines of f: 83"]);
}

#[test]
fn a_function_with_6_arguments_beside_self_is_caught() {
    let list = |count: usize| (0..count).map(|n| format!("a{n}: u8,")).collect::<String>();
    let text = format!("trait T {{ fn f(&self, {}); fn g(&self, {}) {{}} }}", list(6), list(5));
    assert_caught(&large_items(&Tree::sample(&[("a.rs", &text)])), &["arguments of f: 6"]);
}

#[test]
fn an_enum_of_21_variants_is_caught_but_the_refusal_table_may_have_60() {
    let variants = |name: &str, count: usize| {
        format!("enum {name} {{ {} }}", (0..count).map(|n| format!("V{n},")).collect::<String>())
    };
    let text = variants("E", 21) + &variants("F", 20) + &variants("Refusal", 60);
    let more = variants("Refusal", 61);
    let tree = Tree::sample(&[("a.rs", &text), ("b.rs", &more)]);
    assert_caught(&large_items(&tree), &["variants of E: 21", "variants of Refusal: 61"]);
}

#[test]
fn a_trait_of_13_methods_is_caught() {
    let text = format!("trait T {{ {} }}", (0..13).map(|n| format!("fn m{n}();")).collect::<String>());
    assert_caught(&large_items(&Tree::sample(&[("a.rs", &text)])), &["methods of T: 13"]);
}

#[test]
fn tests_of_151_lines_beside_the_code_are_caught() {
    let text = |lines: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// \n".repeat(lines - 3));
    let tree =
        Tree::sample(&[("a.rs", &text(151)), ("b.rs", &text(150)), ("c.rs", "#[cfg(test)]\nmod tests;\n")]);
    assert_caught(&large_items(&tree), &["a.rs:2: lines of tests"]);
}
