//! The files that the rules look at.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use s3_compat_tests::binary;
use walkdir::WalkDir;

/// Text files by their path below the root, with `/` between names.
#[derive(Default)]
pub(crate) struct Tree {
    /// Content by path. A file that is not text has an empty one.
    pub(crate) files: BTreeMap<String, String>,
    /// Names in the root that are not hidden by `.gitignore`, folders with a `/` behind them.
    pub(crate) root: Vec<String>,
}

impl Tree {
    /// The source tree, without what git ignores (`target/`, data, caches of Python).
    pub(crate) fn of_workspace() -> Self {
        let root = binary::workspace();
        let ignored = |name: &str| matches!(name, "target" | "terrace-data" | ".git" | "__pycache__");
        let mut tree = Self::default();
        let entries = WalkDir::new(root).sort_by_file_name().into_iter();
        for entry in
            entries.filter_entry(|entry| entry.file_name().to_str().is_none_or(|name| !ignored(name)))
        {
            let entry = entry.expect("the source tree can be read");
            let path = entry.path().strip_prefix(root).expect("an entry stands below the root");
            let path = path.to_str().expect("names are UTF-8").to_owned();
            if entry.depth() == 1 {
                tree.root.push(if entry.file_type().is_dir() { format!("{path}/") } else { path.clone() });
            }
            if entry.file_type().is_file() {
                tree.files.insert(path, text(entry.path()));
            }
        }
        tree
    }

    /// A made-up tree.
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { files, root: Vec::new() }
    }

    /// Every Rust file, parsed.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, syn::File)> {
        self.rust_text().map(|(path, text)| {
            let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            (path, parsed)
        })
    }

    /// Every Rust file.
    pub(crate) fn rust_text(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The folder and the text of every package's `Cargo.toml`.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.strip_suffix("/Cargo.toml")?, text.as_str())))
    }
}

fn text(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).expect("a file of the tree can be read")).unwrap_or_default()
}

/// A token and the line it begins on: what is left of a file without comments, also inside of macros.
pub(crate) struct Token {
    /// As written; a literal is one token.
    pub(crate) text: String,
    /// First line, from 1.
    pub(crate) line: usize,
    /// Last line, inclusive.
    pub(crate) end: usize,
}

/// All tokens of a file, brackets included.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let stream: TokenStream = text.parse().expect("the file parses");
    let mut all = Vec::new();
    flatten(stream, &mut all);
    all
}

/// Appends the tokens of a stream.
pub(crate) fn flatten(stream: TokenStream, all: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let written = group.span_open().source_text().unwrap_or_default();
                all.push(Token {
                    text: written,
                    line: group.span_open().start().line,
                    end: group.span_open().end().line,
                });
                flatten(group.stream(), all);
                let line = group.span_close().end().line;
                all.push(Token { text: String::new(), line, end: line });
            }
            TokenTree::Ident(ident) => push(ident.to_string(), ident.span(), all),
            TokenTree::Punct(punct) => push(punct.as_char().to_string(), punct.span(), all),
            TokenTree::Literal(literal) => push(literal.to_string(), literal.span(), all),
        }
    }
}

fn push(text: String, span: proc_macro2::Span, all: &mut Vec<Token>) {
    all.push(Token { text, line: span.start().line, end: span.end().line });
}
