//! Reads fjall's journals (format 3) without changing them, to learn how far they are whole and up to which commit they reach.
//!
//! fjall itself cuts a journal at the first byte it cannot read and goes on, silently: it cannot know what was acknowledged. So the
//! journals are read here first.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use xxhash_rust::xxh3::Xxh3;

use super::state;
use crate::kv::Version;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const TRAILER: &[u8; 4] = b"FJL\x03";
const BUFFER: usize = 256 << 10;
/// Numbers of batches rise, by less than this. A batch behind a damage counts only if its number does: user data that looks like a batch is none.
const NEAR: u64 = 1 << 20;

/// One journal file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) id: u64,
    pub(super) path: PathBuf,
}

/// What stands in a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// Bytes of whole batches from the start on.
    pub(super) whole: u64,
    /// Version of the last whole batch.
    pub(super) last: Option<Version>,
    /// fjall's number of it.
    pub(super) sequence: Option<u64>,
    /// Bytes behind the whole batches, without the zeros at the end (journals are made long and filled later).
    pub(super) torn: u64,
    /// The highest version of whole batches that stand behind the torn one, or in its place with a number that cannot be theirs.
    pub(super) behind: Option<Version>,
}

/// The journals of an engine, oldest first.
pub(super) fn list(engine: &Path) -> io::Result<Vec<Journal>> {
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(engine)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let id = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let id = id.ok_or_else(|| io::Error::other("a journal with a name that is no number"))?;
            journals.push(Journal { id, path });
        }
    }
    journals.sort_by_key(|journal| journal.id);
    Ok(journals)
}

/// Reads a journal from end to end.
pub(super) fn scan(path: &Path) -> io::Result<Scan> {
    scan_after(path, None)
}

/// Reads a journal from end to end; `sequence` is fjall's number of the last batch of the journal before it.
///
/// The number of a batch is not under its checksum, and fjall replays rows in the order of their numbers: a wrong one puts old values over new ones.
pub(super) fn scan_after(path: &Path, sequence: Option<u64>) -> io::Result<Scan> {
    let mut reader = BufReader::with_capacity(BUFFER, File::open(path)?);
    let mut found = Scan { sequence, ..Scan::default() };
    let mut misplaced = None;
    while let Some(batch) = batch(&mut reader)? {
        if !follows(found.sequence, batch.sequence) {
            misplaced = batch.version;
            break;
        }
        found.whole += batch.bytes;
        found.sequence = Some(batch.sequence);
        found.last = batch.version.or(found.last);
    }
    let mut file = reader.into_inner();
    if only_zeros(&mut file, found.whole)? {
        return Ok(found);
    }
    file.seek(SeekFrom::Start(found.whole))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    tail.truncate(tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    found.torn = tail.len() as u64;
    found.behind = behind(&tail, found.sequence)?.max(misplaced);
    Ok(found)
}

fn follows(last: Option<u64>, next: u64) -> bool {
    last.is_none_or(|last| next > last && next - last < NEAR)
}

/// Whether nothing is written from `at` on. Holes are skipped: a new journal is one of 64 MiB.
fn only_zeros(file: &mut File, mut at: u64) -> io::Result<bool> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut buffer = vec![0; ZEROS.len()];
    loop {
        at = match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(Errno::NXIO) => return Ok(true),
            Err(Errno::INVAL) => at,
            Err(errno) => return Err(errno.into()),
        };
        file.seek(SeekFrom::Start(at))?;
        let read = file.read(&mut buffer)?;
        if read == 0 || buffer.get(..read) != ZEROS.get(..read) {
            return Ok(read == 0);
        }
        at += read as u64;
    }
}

/// Looks for whole batches in what follows a torn one.
fn behind(tail: &[u8], sequence: Option<u64>) -> io::Result<Option<Version>> {
    let mut highest = None;
    let mut at = 1;
    while let Some(rest) = tail.get(at..) {
        let Some(step) = rest.iter().position(|byte| *byte == START) else { break };
        let Some(mut candidate) = tail.get(at + step..) else { break };
        let near = candidate
            .get(5..13)
            .and_then(|bytes| bytes.first_chunk())
            .is_some_and(|bytes| follows(sequence, u64::from_le_bytes(*bytes)));
        let found = if near { batch(&mut candidate)? } else { None };
        if let Some(found) = &found {
            highest = highest.max(found.version);
        }
        let bytes = found.and_then(|found| usize::try_from(found.bytes).ok()).unwrap_or(1);
        at += step + bytes;
    }
    Ok(highest)
}

struct Batch {
    bytes: u64,
    sequence: u64,
    version: Option<Version>,
}

/// The next batch; `None` if there is none that is whole.
fn batch(reader: &mut impl Read) -> io::Result<Option<Batch>> {
    match whole_batch(&mut Counting { reader, bytes: 0 }) {
        Ok(batch) => Ok(batch),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn whole_batch<R: Read>(reader: &mut Counting<'_, R>) -> io::Result<Option<Batch>> {
    if reader.byte()? != START {
        return Ok(None);
    }
    let items = u32::from_le_bytes(reader.array()?);
    let sequence = u64::from_le_bytes(reader.array()?);
    let mut version = None;
    let mut hasher = Xxh3::new();
    for item in 0..items {
        // Tag, kind of value, compression, keyspace, length of key, of value, of value as stored.
        let header: [u8; 21] = reader.array()?;
        let [ITEM, _, _, _, _, _, _, _, _, _, _, k0, k1, _, _, _, _, v0, v1, v2, v3] = header else {
            return Ok(None);
        };
        hasher.update(&header);
        let key = usize::from(u16::from_le_bytes([k0, k1]));
        let value = u32::from_le_bytes([v0, v1, v2, v3]);
        if item == 0 && key == state::KEY.len() && value as usize == state::LENGTH {
            let mut row = [0; state::KEY.len() + state::LENGTH];
            reader.exact(&mut row)?;
            hasher.update(&row);
            version = row.strip_prefix(state::KEY).and_then(state::decode).map(|(version, _)| version);
        } else {
            reader.hash(key as u64 + u64::from(value), &mut hasher)?;
        }
    }
    let end = reader.byte()?;
    let check = u64::from_le_bytes(reader.array()?);
    let trailer: [u8; 4] = reader.array()?;
    if end != END || check != hasher.digest() || trailer != *TRAILER {
        return Ok(None);
    }
    Ok(Some(Batch { bytes: reader.bytes, sequence, version }))
}

struct Counting<'a, R> {
    reader: &'a mut R,
    bytes: u64,
}

impl<R: Read> Counting<'_, R> {
    fn exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(buffer)?;
        self.bytes += buffer.len() as u64;
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exact(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads `count` bytes into nothing but the hash.
    fn hash(&mut self, mut count: u64, hasher: &mut Xxh3) -> io::Result<()> {
        let mut buffer = [0; 4_096];
        while count > 0 {
            let take = usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len()));
            let Some(part) = buffer.get_mut(..take) else { break };
            self.exact(part)?;
            hasher.update(part);
            count -= take as u64;
        }
        Ok(())
    }
}
