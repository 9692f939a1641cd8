//! Reads what `strace -f -y` writes.

use std::path::Path;

/// One system call. Order is that of strace: of two lines the first happened first.
#[derive(Debug)]
pub(crate) struct Call {
    /// `write`, `fsync`, ...
    pub(crate) name: String,
    /// Its arguments as written, cut off where strace cuts.
    pub(crate) arguments: String,
    /// Line of its entry.
    pub(crate) began: usize,
    /// Line of its return.
    pub(crate) ended: usize,
}

impl Call {
    /// What the descriptor in front of the arguments stands for: `5</path>` gives `/path`.
    pub(crate) fn file(&self) -> Option<&str> {
        let (number, rest) = self.arguments.split_once('<')?;
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| rest.split_once('>').map(|(file, _)| file.trim_end_matches(" (deleted)")))?
    }

    /// The number of that descriptor.
    pub(crate) fn descriptor(&self) -> Option<&str> {
        Some(self.arguments.split_once('<')?.0)
    }

    /// The quoted arguments, still escaped.
    pub(crate) fn quoted(&self) -> Vec<&str> {
        let (mut texts, mut start, mut escaped) = (Vec::new(), None, false);
        for (at, byte) in self.arguments.bytes().enumerate() {
            match (byte, start) {
                _ if escaped => escaped = false,
                (b'\\', Some(_)) => escaped = true,
                (b'"', None) => start = Some(at + 1),
                (b'"', Some(from)) => {
                    texts.push(&self.arguments[from..at]);
                    start = None;
                }
                _ => {}
            }
        }
        texts
    }
}

/// All calls of a trace that succeeded, by the line on which they began.
pub(crate) fn read(trace: &Path) -> Vec<Call> {
    let bytes = std::fs::read(trace).unwrap();
    parse(&String::from_utf8_lossy(&bytes))
}

/// The same of a text.
pub(crate) fn parse(text: &str) -> Vec<Call> {
    let mut unfinished: Vec<(&str, Call)> = Vec::new();
    let mut calls = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let Some((thread, text)) = text.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some((name, rest)) = text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let own = |(of, call): &(&str, Call)| *of == thread && call.name == name;
            let Some(at) = unfinished.iter().position(own) else { continue };
            let (_, mut call) = unfinished.remove(at);
            call.arguments += rest;
            call.ended = line;
            calls.push(call);
        } else if let Some((name, rest)) = text.split_once('(') {
            let (rest, whole) = match rest.strip_suffix(" <unfinished ...>") {
                Some(rest) => (rest, false),
                None => (rest, true),
            };
            let call = Call { name: name.to_owned(), arguments: rest.to_owned(), began: line, ended: line };
            if whole { calls.push(call) } else { unfinished.push((thread, call)) }
        }
    }
    // ") = -1 ENOSPC (...)", ") = ?": not done.
    calls.retain(|call| {
        call.arguments.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with(['-', '?']))
    });
    calls.sort_by_key(|call| call.began);
    calls
}

#[test]
fn calls_are_put_together_from_their_halves() {
    let text = "7 write(3</d/0.jnl>, \"a\\\"b\", 2 <unfinished ...>\n8 fsync(4</d/x>) = 0\n7 <... write resumed>) = 2\n\
                9 read(5</y>, 0x1, 2) = -1 EAGAIN (Try again)\n9 +++ exited with 0 +++\n";
    let calls = parse(text);
    let short: Vec<_> =
        calls.iter().map(|c| (c.name.as_str(), c.file().unwrap(), c.began, c.ended)).collect();
    assert_eq!(short, [("write", "/d/0.jnl", 0, 2), ("fsync", "/d/x", 1, 1)]);
    assert_eq!(calls[0].quoted(), ["a\\\"b"]);
}
