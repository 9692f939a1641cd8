//! What strace saw of a gateway, as changes of a disk and answers to clients.

use std::collections::BTreeMap;
use std::path::Path;

use super::disk::{Disk, Edit, Node, ROOT, Span};
use crate::strace::Call;

/// The calls that matter. Reads are not among them: files are written where they were left off, or say where.
pub(crate) const TRACED: &str = "trace=open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,mmap,write,writev,pwrite64,pwritev,pwritev2,\
     truncate,ftruncate,fallocate,fsync,fdatasync,sync_file_range,syncfs,copy_file_range,sendfile,splice,sendto,sendmsg,\
     rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,io_uring_setup";

/// Lines in front of those of strace.
pub(crate) const BEFORE: usize = 2;

/// A run of a gateway.
pub(crate) struct Recording {
    pub(crate) disk: Disk,
    /// The line on which an answer began to leave, by the id of its request.
    pub(crate) answers: BTreeMap<String, usize>,
    /// Lines of the recording.
    pub(crate) lines: usize,
}

/// An open file: descriptors share it with those that were made of them.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    position: u64,
    appends: bool,
}

struct Reader<'r> {
    root: &'r str,
    recording: Recording,
    open: Vec<Open>,
    /// Places in `open` by number of the descriptor.
    descriptors: BTreeMap<i64, usize>,
}

/// Takes the calls of a gateway whose data directory stands in `root`, which was `disk` before.
pub(crate) fn read(mut calls: Vec<Call>, root: &Path, disk: Disk) -> Recording {
    // The first lines stand for what was there before.
    for call in &mut calls {
        call.began += BEFORE;
        call.ended += BEFORE;
    }
    let lines = calls.iter().map(|call| call.ended + 1).max().unwrap_or(0);
    // A descriptor is free as soon as its close begins; all else is done when it has ended.
    calls.sort_by_key(|call| if call.name == "close" { call.began } else { call.ended });
    let recording = Recording { disk, answers: BTreeMap::new(), lines };
    let root = root.to_str().unwrap();
    let mut reader = Reader { root, recording, open: Vec::new(), descriptors: BTreeMap::new() };
    for call in &calls {
        reader.call(call);
    }
    reader.recording
}

/// The text of a C string literal.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let octal = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let (escape, after) = rest.split_at(octal.max(1));
        rest = after;
        bytes.push(match escape {
            b"n" => b'\n',
            b"t" => b'\t',
            b"r" => b'\r',
            b"v" => 0x0b,
            b"f" => 0x0c,
            [other] if octal == 0 => *other,
            digits => {
                let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                u8::try_from(value).unwrap()
            }
        });
    }
    bytes
}

/// The arguments of a call that are no strings, in their order; a string is empty here.
fn plain(call: &Call) -> Vec<String> {
    let mut text = call.arguments.clone();
    for quoted in call.quoted() {
        text = text.replacen(&format!("\"{quoted}\""), "", 1);
    }
    let list = text.rsplit_once(')').map_or(text.as_str(), |(list, _)| list);
    list.split(", ").map(|argument| argument.trim().to_owned()).collect()
}

fn result(call: &Call) -> i64 {
    let text = call.arguments.rsplit_once(" = ").unwrap().1;
    let text = text.split_whitespace().next().unwrap();
    text.strip_prefix("0x")
        .map_or_else(|| text.parse().ok(), |hex| i64::from_str_radix(hex, 16).ok())
        .unwrap_or(0)
}

impl Reader<'_> {
    fn call(&mut self, call: &Call) {
        let span = Span { began: call.began, ended: call.ended };
        match call.name.as_str() {
            "open" | "openat" => self.open(call, span),
            "close" => {
                self.descriptors.remove(&descriptor(call));
            }
            "dup" | "dup2" | "dup3" | "fcntl" => self.duplicate(call),
            "lseek" => {
                if let Some(open) = self.opened(call) {
                    open.position = u64::try_from(result(call)).unwrap();
                }
            }
            "write" | "writev" | "pwrite64" | "sendto" | "sendmsg" => self.write(call, span),
            "copy_file_range" => self.copy(call, span),
            "ftruncate" => {
                let Some(node) = self.opened(call).map(|open| open.node) else { return };
                self.recording.disk.edit(node, Edit::Length(number(&plain(call)[1])), span);
            }
            "fallocate" => self.allocate(call, span),
            "fsync" | "fdatasync" => {
                let Some(node) = self.opened(call).map(|open| open.node) else { return };
                self.recording.disk.sync(node, call.name == "fsync", span);
            }
            "mmap" => {
                let words = plain(call);
                let shared = words[3].contains("MAP_SHARED") && words[2].contains("PROT_WRITE");
                let file = self.descriptors.contains_key(&words[4].parse().unwrap_or(-1));
                assert!(!shared || !file, "a file is written by mmap: {call:?}");
            }
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => self.move_name(call, span),
            "unlink" | "unlinkat" | "rmdir" => {
                let Some((directory, name)) = self.place(call, 0) else { return };
                self.recording.disk.unlink((directory, &name), span);
            }
            "mkdir" | "mkdirat" => {
                let Some((directory, name)) = self.place(call, 0) else { return };
                self.recording.disk.create((directory, &name), true, span);
            }
            _ => assert!(
                self.opened(call).is_none() && !call.arguments.contains(self.root),
                "not understood: {call:?}"
            ),
        }
    }

    /// The open file that the first argument is a descriptor of, if it stands in the data directory.
    fn opened(&mut self, call: &Call) -> Option<&mut Open> {
        let place = *self.descriptors.get(&descriptor(call))?;
        self.open.get_mut(place)
    }

    /// Directory and name of the path that is the `nth` string of a call; `None` outside of the data directory.
    fn place(&mut self, call: &Call, nth: usize) -> Option<(Node, String)> {
        let path = String::from_utf8(unescape(call.quoted().get(nth)?)).unwrap();
        let (mut node, below) = if let Some(below) = path.strip_prefix(self.root) {
            (ROOT, below.to_owned())
        } else if path.starts_with('/') {
            return None;
        } else {
            // Relative to the descriptor of a directory: the argument before the string.
            let before = plain(call).into_iter().take(2 * nth + 1).next_back()?;
            let place = *self.descriptors.get(&before.parse().ok()?)?;
            (self.open[place].node, path)
        };
        let mut names: Vec<&str> = below.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        let last = names.pop()?;
        for name in names {
            node = self
                .recording
                .disk
                .find(node, name)
                .unwrap_or_else(|| panic!("{name} of {call:?} was never made"));
        }
        Some((node, last.to_owned()))
    }

    fn open(&mut self, call: &Call, span: Span) {
        let is_root = call.quoted().first().is_some_and(|path| path.trim_end_matches('/') == self.root);
        let node = if is_root {
            ROOT
        } else {
            let Some((directory, name)) = self.place(call, 0) else { return };
            assert!(!call.arguments.contains("O_TMPFILE"), "not understood: {call:?}");
            let found = self.recording.disk.find(directory, &name);
            found.unwrap_or_else(|| {
                assert!(call.arguments.contains("O_CREAT"), "opened and never made: {call:?}");
                self.recording.disk.create((directory, &name), false, span)
            })
        };
        assert!(
            !call.arguments.contains("SYNC|") && !call.arguments.contains("O_DIRECT|"),
            "not understood: {call:?}"
        );
        if call.arguments.contains("O_TRUNC") && self.recording.disk.length(node) > 0 {
            self.recording.disk.edit(node, Edit::Length(0), span);
        }
        let appends = call.arguments.contains("O_APPEND");
        self.descriptors.insert(result(call), self.open.len());
        self.open.push(Open { node, position: 0, appends });
    }

    fn duplicate(&mut self, call: &Call) {
        if call.name == "fcntl" && !call.arguments.contains("F_DUPFD") {
            return;
        }
        if let Some(place) = self.descriptors.get(&descriptor(call)) {
            self.descriptors.insert(result(call), *place);
        }
    }

    fn write(&mut self, call: &Call, span: Span) {
        let bytes =
            || call.quoted().into_iter().flat_map(unescape).take(usize::try_from(result(call)).unwrap());
        let Some(open) = self.opened(call).copied() else {
            let quoted = call.quoted();
            let head = quoted.first().copied().unwrap_or_default();
            if head.starts_with("HTTP/1.1 ") {
                let (_, rest) = head.split_once("x-amz-request-id: ").unwrap_or_default();
                let id = rest.split('\\').next().unwrap_or_default().to_owned();
                self.recording.answers.insert(id, span.began);
            }
            return;
        };
        let bytes: Vec<u8> = bytes().collect();
        assert_eq!(bytes.len() as i64, result(call), "cut off by strace: {}", call.name);
        let at = match call.name.as_str() {
            "pwrite64" => number(plain(call).last().unwrap()),
            _ if open.appends => self.recording.disk.length(open.node),
            _ => open.position,
        };
        if call.name != "pwrite64"
            && let Some(open) = self.opened(call)
        {
            open.position = at + bytes.len() as u64;
        }
        self.recording.disk.edit(open.node, Edit::Write { at, bytes }, span);
    }

    /// From where one file was left off to where the other was.
    fn copy(&mut self, call: &Call, span: Span) {
        let words = plain(call);
        assert!(words[1] == "NULL" && words[3] == "NULL", "not understood: {call:?}");
        let place = |word: &str| self.descriptors.get(&word.parse().ok()?).copied();
        let (from, to) = (place(&words[0]), place(&words[2]));
        let (Some(from), Some(to)) = (from, to) else { panic!("not understood: {call:?}") };
        let count = u64::try_from(result(call)).unwrap();
        let Open { node, position, .. } = self.open[from];
        let bytes = self.recording.disk.bytes(node, position, count);
        let at = self.open[to].position;
        self.recording.disk.edit(self.open[to].node, Edit::Write { at, bytes }, span);
        self.open[from].position += count;
        self.open[to].position += count;
    }

    fn allocate(&mut self, call: &Call, span: Span) {
        let Some(node) = self.opened(call).map(|open| open.node) else { return };
        let words = plain(call);
        match words[1].as_str() {
            "FALLOC_FL_KEEP_SIZE" => {}
            "0" => {
                let length = number(&words[2]) + number(&words[3]);
                if length > self.recording.disk.length(node) {
                    self.recording.disk.edit(node, Edit::Length(length), span);
                }
            }
            _ => panic!("not understood: {call:?}"),
        }
    }

    fn move_name(&mut self, call: &Call, span: Span) {
        let (from, to) = (self.place(call, 0), self.place(call, 1));
        let (Some(from), Some(to)) = (from, to) else {
            assert!(!call.arguments.contains(self.root), "not understood: {call:?}");
            return;
        };
        let disk = &mut self.recording.disk;
        if call.name.starts_with("link") {
            let node = disk.find(from.0, &from.1).unwrap();
            disk.link((to.0, &to.1), node, span);
        } else {
            disk.rename((from.0, &from.1), (to.0, &to.1), span);
        }
    }
}

fn descriptor(call: &Call) -> i64 {
    call.arguments.split([',', ')']).next().and_then(|number| number.trim().parse().ok()).unwrap_or(-1)
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

#[test]
fn strings_of_strace_are_their_bytes() {
    assert_eq!(unescape(r#"a\0b\377\n\"1\\\33x\t"#), b"a\0b\xff\n\"1\\\x1bx\t");
}
