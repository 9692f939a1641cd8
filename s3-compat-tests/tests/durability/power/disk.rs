//! A file system that remembers what was synced when, so that it can be put back to what a loss of power might have left.
//!
//! What is taken for certain: bytes and length of a file by an fsync or fdatasync of it that began after the change was made and ended before the
//! power went; an entry of a directory by such an fsync of the directory (for a rename: of the one it goes to), and the first entry of a new file
//! also by an fsync of the file. POSIX does not promise that last one; ext4, XFS, btrfs and F2FS keep it, and fjall, which never syncs the directory
//! of its files of bodies, needs it. All else is lost or kept, in the order in which it was made within one page of a file and within one directory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::dice::Dice;

pub(crate) const PAGE: u64 = 4096;
/// The directory that is watched.
pub(crate) const ROOT: Node = Node(0);

/// A file or a directory, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(usize);

/// When something was done: lines of the recording, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) began: usize,
    pub(crate) ended: usize,
}

/// A change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    Write {
        at: u64,
        bytes: Vec<u8>,
    },
    /// What is longer is cut off, what is shorter is filled with zeros.
    Length(u64),
}

/// A change of a directory.
#[derive(Clone, Debug)]
enum Change {
    Link { directory: Node, name: String, node: Node },
    Unlink { directory: Node, name: String, node: Node },
    Rename { from: (Node, String), to: (Node, String), node: Node },
}

impl Change {
    /// The directory whose sync makes it certain.
    fn directory(&self) -> Node {
        match self {
            Self::Link { directory, .. } | Self::Unlink { directory, .. } => *directory,
            Self::Rename { to: (directory, _), .. } => *directory,
        }
    }
}

#[derive(Default)]
struct Inode {
    is_directory: bool,
    edits: Vec<(Span, Edit)>,
    /// Whether by fsync, which does more than fdatasync.
    syncs: Vec<(Span, bool)>,
    /// Length as the running system sees it.
    length: u64,
}

/// What becomes of that which was not synced when the power went.
#[derive(Clone, Debug)]
pub(crate) enum Unsynced {
    Kept,
    Lost,
    /// Some of it is kept.
    Random(Dice),
}

/// See the module. Names are those that the running system sees.
pub(crate) struct Disk {
    nodes: Vec<Inode>,
    changes: Vec<(Span, Change)>,
    names: BTreeMap<(Node, String), Node>,
}

impl Disk {
    /// What is in a directory, all of it certain before the first line.
    pub(crate) fn of(directory: &Path) -> Self {
        let root = Inode { is_directory: true, ..Inode::default() };
        let mut disk = Self { nodes: vec![root], changes: Vec::new(), names: BTreeMap::new() };
        let mut nodes = BTreeMap::from([(directory.to_owned(), ROOT)]);
        let before = Span { began: 0, ended: 0 };
        for entry in WalkDir::new(directory).min_depth(1) {
            let entry = entry.unwrap();
            let parent = nodes[entry.path().parent().unwrap()];
            let name = entry.file_name().to_str().unwrap();
            let node = disk.create((parent, name), entry.file_type().is_dir(), before);
            nodes.insert(entry.path().to_owned(), node);
            if entry.file_type().is_file() {
                let bytes = std::fs::read(entry.path()).unwrap();
                let length = bytes.len() as u64;
                // Most of a journal is zeros.
                for (page, _, piece) in
                    pieces(0, &bytes).filter(|(_, _, piece)| piece.iter().any(|b| *b != 0))
                {
                    disk.edit(node, Edit::Write { at: page * PAGE, bytes: piece.to_vec() }, before);
                }
                disk.edit(node, Edit::Length(length), before);
            }
        }
        for node in 0..disk.nodes.len() {
            disk.sync(Node(node), true, Span { began: 1, ended: 1 });
        }
        disk
    }

    /// Whether there is something in a directory of this name.
    pub(crate) fn holds(&self, folder: &str) -> bool {
        let folders: BTreeSet<Node> =
            self.names.iter().filter(|((_, name), _)| name == folder).map(|(_, node)| *node).collect();
        self.names.keys().any(|(directory, _)| folders.contains(directory))
    }

    /// What stands under a name, as the running system sees it.
    pub(crate) fn find(&self, directory: Node, name: &str) -> Option<Node> {
        self.names.get(&(directory, name.to_owned())).copied()
    }

    pub(crate) fn create(&mut self, (directory, name): (Node, &str), is_directory: bool, span: Span) -> Node {
        let node = Node(self.nodes.len());
        self.nodes.push(Inode { is_directory, ..Inode::default() });
        self.link((directory, name), node, span);
        node
    }

    pub(crate) fn link(&mut self, (directory, name): (Node, &str), node: Node, span: Span) {
        self.names.insert((directory, name.to_owned()), node);
        self.changes.push((span, Change::Link { directory, name: name.to_owned(), node }));
    }

    pub(crate) fn unlink(&mut self, (directory, name): (Node, &str), span: Span) {
        let Some(node) = self.names.remove(&(directory, name.to_owned())) else { return };
        self.changes.push((span, Change::Unlink { directory, name: name.to_owned(), node }));
    }

    pub(crate) fn rename(&mut self, from: (Node, &str), to: (Node, &str), span: Span) {
        let (from, to) = ((from.0, from.1.to_owned()), (to.0, to.1.to_owned()));
        let node =
            self.names.remove(&from).unwrap_or_else(|| panic!("{from:?} is renamed and was never made"));
        self.names.insert(to.clone(), node);
        self.changes.push((span, Change::Rename { from, to, node }));
    }

    pub(crate) fn edit(&mut self, node: Node, edit: Edit, span: Span) {
        let inode = &mut self.nodes[node.0];
        inode.length = match &edit {
            Edit::Write { at, bytes } => inode.length.max(at + bytes.len() as u64),
            Edit::Length(length) => *length,
        };
        inode.edits.push((span, edit));
    }

    /// Length of a file, as the running system sees it.
    pub(crate) fn length(&self, node: Node) -> u64 {
        self.nodes[node.0].length
    }

    /// A part of a file, as the running system sees it.
    pub(crate) fn bytes(&self, node: Node, at: u64, count: u64) -> Vec<u8> {
        let content = self.file_at(node, usize::MAX, &mut Unsynced::Kept);
        let byte = |at: u64| {
            content.pages.get(&(at / PAGE)).map_or(0, |page| page[usize::try_from(at % PAGE).unwrap()])
        };
        (at..at + count).map(byte).collect()
    }

    pub(crate) fn sync(&mut self, node: Node, is_full: bool, span: Span) {
        self.nodes[node.0].syncs.push((span, is_full));
    }

    /// Whether a change of a node is, by the calls before `cut`; `full`: only an fsync counts.
    fn is_synced(&self, node: Node, full: bool, change: Span, cut: usize) -> bool {
        let after = |(sync, is_full): &(Span, bool)| {
            sync.began > change.ended && sync.ended < cut && (*is_full || !full)
        };
        self.nodes[node.0].syncs.iter().any(after)
    }

    fn is_certain(&self, change: &Change, span: Span, cut: usize) -> bool {
        let new = match change {
            Change::Link { node, .. } if !self.nodes[node.0].is_directory => Some(*node),
            _ => None,
        };
        self.is_synced(change.directory(), false, span, cut)
            || new.is_some_and(|node| self.is_synced(node, true, span, cut))
    }

    /// Makes the files that a loss of power before line `cut` leaves in the empty directory `target`.
    pub(crate) fn restore(&self, cut: usize, unsynced: &mut Unsynced, target: &Path) {
        let names = self.names_at(cut, unsynced);
        let mut places = vec![(ROOT, target.to_owned())];
        let mut made = BTreeMap::new();
        let mut seen = BTreeSet::new();
        while let Some((directory, place)) = places.pop() {
            assert!(seen.insert(directory), "a directory with two names");
            for ((_, name), node) in
                names.range((directory, String::new())..(Node(directory.0 + 1), String::new()))
            {
                let path = place.join(name);
                if self.nodes[node.0].is_directory {
                    std::fs::create_dir(&path).unwrap();
                    places.push((*node, path));
                } else if let Some(first) = made.get(node) {
                    std::fs::hard_link(first, &path).unwrap();
                } else {
                    self.file_at(*node, cut, unsynced).write(&path);
                    made.insert(*node, path);
                }
            }
        }
    }

    fn names_at(&self, cut: usize, unsynced: &mut Unsynced) -> BTreeMap<(Node, String), Node> {
        let made = || self.changes.iter().filter(|(span, _)| span.began < cut);
        let certain = |(span, change): &(Span, Change)| self.is_certain(change, *span, cut);
        let mut pending: BTreeMap<Node, usize> = BTreeMap::new();
        for change in made().filter(|change| !certain(change)) {
            *pending.entry(change.1.directory()).or_default() += 1;
        }
        for kept in pending.values_mut() {
            *kept = unsynced.keep(*kept);
        }
        let mut names = BTreeMap::new();
        for change in made() {
            if !certain(change) {
                let kept = pending.entry(change.1.directory()).or_default();
                if *kept == 0 {
                    continue;
                }
                *kept -= 1;
            }
            match change.1.clone() {
                Change::Link { directory, name, node } => {
                    names.insert((directory, name), node);
                }
                Change::Unlink { directory, name, node } => take(&mut names, (directory, name), node),
                Change::Rename { from, to, node } => {
                    take(&mut names, from, node);
                    names.insert(to, node);
                }
            }
        }
        names
    }

    fn file_at(&self, node: Node, cut: usize, unsynced: &mut Unsynced) -> Content {
        let inode = &self.nodes[node.0];
        let made = || inode.edits.iter().filter(|(span, _)| span.began < cut);
        let certain = |span: &Span| self.is_synced(node, false, *span, cut);
        // How many of the writes to a page that are not certain are kept.
        let mut pending: BTreeMap<u64, usize> = BTreeMap::new();
        for (_, edit) in made().filter(|(span, _)| !certain(span)) {
            if let Edit::Write { at, bytes } = edit {
                for (page, ..) in pieces(*at, bytes) {
                    *pending.entry(page).or_default() += 1;
                }
            }
        }
        for kept in pending.values_mut() {
            *kept = unsynced.keep(*kept);
        }
        let mut content = Content::default();
        let mut longest = 0;
        for (span, edit) in made() {
            let certain = certain(span);
            match edit {
                Edit::Length(length) => {
                    if certain || unsynced.keep(1) == 1 {
                        content.set_length(*length);
                    }
                    longest = *length;
                }
                Edit::Write { at, bytes } => {
                    longest = longest.max(at + bytes.len() as u64);
                    for (page, offset, piece) in pieces(*at, bytes) {
                        let kept = pending.get_mut(&page).filter(|kept| **kept > 0);
                        match (certain, kept) {
                            (true, _) => {}
                            (false, Some(kept)) => *kept -= 1,
                            (false, None) => continue,
                        }
                        content.put(page, offset, piece);
                    }
                }
            }
        }
        // Some file systems write the length before the bytes: zeros stand where none were written.
        if let Unsynced::Random(dice) = unsynced
            && dice.once_in(4)
        {
            content.length = content.length.max(longest);
        }
        content
    }
}

/// A name goes if it is still that of the node.
fn take(names: &mut BTreeMap<(Node, String), Node>, name: (Node, String), node: Node) {
    if names.get(&name) == Some(&node) {
        names.remove(&name);
    }
}

impl Unsynced {
    /// How many of `count` changes are kept: the first ones.
    fn keep(&mut self, count: usize) -> usize {
        match self {
            Self::Kept => count,
            Self::Lost => 0,
            Self::Random(dice) => dice.below(count + 1),
        }
    }
}

/// The pages that a write touches: number, where it begins in the page, bytes.
fn pieces(at: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, usize, &[u8])> {
    let offset = usize::try_from(at % PAGE).unwrap();
    let first = bytes.len().min(PAGE as usize - offset);
    let (first, rest) = bytes.split_at(first);
    let rest = rest.chunks(PAGE as usize).map(|piece| (0, piece));
    let all = std::iter::once((offset, first)).chain(rest);
    (at / PAGE..).zip(all).map(|(page, (offset, piece))| (page, offset, piece))
}

#[derive(Default)]
struct Content {
    pages: BTreeMap<u64, Vec<u8>>,
    length: u64,
}

impl Content {
    fn put(&mut self, page: u64, offset: usize, piece: &[u8]) {
        let bytes = self.pages.entry(page).or_insert_with(|| vec![0; PAGE as usize]);
        bytes[offset..offset + piece.len()].copy_from_slice(piece);
        self.length = self.length.max(page * PAGE + (offset + piece.len()) as u64);
    }

    fn set_length(&mut self, length: u64) {
        self.pages.split_off(&length.div_ceil(PAGE));
        if let Some(last) = self.pages.get_mut(&(length / PAGE)) {
            last[usize::try_from(length % PAGE).unwrap()..].fill(0);
        }
        self.length = length;
    }

    fn write(&self, path: &Path) {
        let file = File::create(path).unwrap();
        for (page, bytes) in &self.pages {
            file.write_all_at(bytes, page * PAGE).unwrap();
        }
        file.set_len(self.length).unwrap();
    }
}
