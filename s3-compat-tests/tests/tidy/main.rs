//! The rules of the source tree. Each rule is a function over a [`Tree`] that names what breaks it; each has a test that the real tree
//! keeps it, and a test that a bad sample is caught.

mod bans;
mod dependencies;
mod layout;
mod proofs;
mod sizes;
mod tree;

use tree::Tree;

/// Fails with everything that a rule found.
#[track_caller]
fn assert_kept(found: &[String]) {
    assert!(found.is_empty(), "{} to tidy up:\n{}", found.len(), found.join("\n"));
}

/// Fails unless a rule found exactly the offences of a bad sample, each holding its text.
#[track_caller]
fn assert_caught(found: &[String], each: &[&str]) {
    assert_eq!(found.len(), each.len(), "{found:#?}");
    for (offence, text) in found.iter().zip(each) {
        assert!(offence.contains(text), "{offence:?} does not say {text:?}");
    }
}

#[test]
fn the_tree_is_the_real_one() {
    let tree = Tree::of_workspace();
    assert!(tree.files.contains_key("tiers/runtime/src/clock.rs"));
    assert!(tree.files.contains_key("s3-compat-tests/tests/tidy/main.rs"));
    assert!(!tree.files.keys().any(|path| path.starts_with("target/")));
}
