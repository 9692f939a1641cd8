//! The binary `terrace`.
fn main() {}
