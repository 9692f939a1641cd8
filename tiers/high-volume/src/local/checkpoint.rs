//! A copy of a data directory while it is in use.
//!
//! fjall's tables and body files never change once written: they are hard-linked (copied where the target is another file system).
//! Journals are copied, the last one only as far as it is filled. Called between two commits, so nothing is appended meanwhile;
//! fjall's own threads may flush and merge, which the order below allows for.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::journal;
use super::mark::Mark;
use super::{ENGINE, KEYSPACES};
use crate::kv::Version;

/// How often a copy is begun again because a merge went on underneath.
const ATTEMPTS: usize = 100;

/// Copies the data directory `from` into the empty directory `to`, as of `version`.
pub(super) fn copy(from: &Path, to: &Path, version: Version) -> io::Result<()> {
    let (source, target) = (from.join(ENGINE), to.join(ENGINE));
    fs::create_dir_all(to)?;
    if fs::read_dir(to)?.next().is_some() {
        return Err(io::Error::new(
            io::ErrorKind::DirectoryNotEmpty,
            "the target of a checkpoint must be empty",
        ));
    }
    fs::create_dir(&target)?;
    // Journals first: what a flush takes over from a journal that goes meanwhile is in the tables that are copied later.
    again(|| journals(&source, &target))?;
    fs::create_dir(target.join(KEYSPACES))?;
    for entry in fs::read_dir(source.join(KEYSPACES))? {
        let entry = entry?;
        let keyspace = target.join(KEYSPACES).join(entry.file_name());
        again(|| tree(&entry.path(), &keyspace))?;
    }
    fs::copy(source.join("version"), target.join("version"))?;
    File::create(target.join("lock"))?;
    for dir in [&target.join(KEYSPACES), &target, to] {
        File::open(dir)?.sync_all()?;
    }
    Mark::open(to)?.0.settle(version)
}

/// Runs `copy` until it says that what it copied belongs together.
fn again(mut copy: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    for _ in 0..ATTEMPTS {
        match copy() {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the files changed each time they were copied"))
}

fn journals(source: &Path, target: &Path) -> io::Result<bool> {
    for stale in journal::list(target)? {
        fs::remove_file(stale.path)?;
    }
    let before = journal::list(source)?;
    for journal in &before {
        let whole = journal::scan(&journal.path)?.whole;
        let mut copy = File::create(target.join(format!("{}.jnl", journal.id)))?;
        io::copy(&mut File::open(&journal.path)?.take(whole), &mut copy)?;
        copy.sync_all()?;
    }
    Ok(before == journal::list(source)?)
}

/// Copies one keyspace: its table of contents, and links to all files. As long as the table of contents stays, so do its files.
fn tree(source: &Path, target: &Path) -> io::Result<bool> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::create_dir(target)?;
    let current = fs::read(source.join("current"))?;
    let Some(number) = current.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the table of contents of a keyspace is too short",
        ));
    };
    let contents = format!("v{number}");
    fs::copy(source.join(&contents), target.join(&contents))?;
    File::open(target.join(&contents))?.sync_all()?;
    for folder in ["tables", "blobs"] {
        if !source.join(folder).try_exists()? {
            continue;
        }
        fs::create_dir(target.join(folder))?;
        for entry in fs::read_dir(source.join(folder))? {
            let name = entry?.file_name();
            link(&source.join(folder).join(&name), &target.join(folder).join(&name))?;
        }
        File::open(target.join(folder))?.sync_all()?;
    }
    let mut copy = File::create(target.join("current"))?;
    io::copy(&mut &current[..], &mut copy)?;
    copy.sync_all()?;
    File::open(target)?.sync_all()?;
    Ok(fs::read(source.join("current"))? == current)
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            fs::copy(from, to)?;
            File::open(to)?.sync_all()
        }
        done => done,
    }
}
