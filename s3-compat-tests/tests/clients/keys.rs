//! Keys that a server that keeps paths, or escapes once too often, gets wrong.

/// Those that a tool can be told: what one takes for a pattern, or folds, is not passed on as it stands whatever the server does.
pub(crate) fn odd_keys(takes: impl Fn(&str) -> bool) -> Vec<String> {
    let long = "k".repeat(1024);
    let all = [
        "a b",
        "a+b",
        "a%2Fb",
        "a%",
        "<&>'\"",
        "x//y",
        "//z",
        "?#",
        "st*r",
        "~!@$^()",
        "ü",
        "🦀",
        "日本/語",
        "x",
        "x/y",
        &long,
    ];
    all.into_iter().filter(|key| takes(key)).map(str::to_owned).collect()
}
