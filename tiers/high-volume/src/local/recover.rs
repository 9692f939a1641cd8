//! Decides, before fjall sees a directory, whether its journals hold all that was acknowledged, and cuts off what never was.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::journal::{self, Journal, Scan};
use super::{Durability, OpenError};
use crate::kv::Version;

const ASIDE: &str = "aside";
/// Files put aside that are kept; the oldest go first.
const KEEP: usize = 8;

/// How a directory's journals are to be judged.
pub(super) struct Judge {
    /// What was acknowledged; `None` if the mark is lost and the loss accepted.
    pub(super) acknowledged: Option<Version>,
    pub(super) durability: Durability,
    pub(super) accept_loss: bool,
}

/// Reads all journals of `engine`; cuts a torn end off, putting it aside in `directory`, if nothing acknowledged goes with it. Returns
/// the bytes that the last journal then holds.
///
/// # Errors
/// `Damaged` if something acknowledged would be missing and the loss is not accepted: then nothing was changed.
pub(super) fn recover(directory: &Path, engine: &Path, judge: &Judge) -> Result<u64, OpenError> {
    let io = |source| OpenError::Io { what: "read the journals", source };
    let journals = journal::list(engine).map_err(io)?;
    let (mut reached, mut sequence, mut filled) = (None, None, 0);
    for (at, journal) in journals.iter().enumerate() {
        let scan = journal::scan_after(&journal.path, sequence).map_err(io)?;
        reached = scan.last.or(reached);
        sequence = scan.sequence;
        filled = scan.whole;
        let later = journals.get(at + 1..).unwrap_or_default();
        let gap = later.first().is_some_and(|next| next.id != journal.id + 1);
        if scan.torn == 0 && !gap {
            continue;
        }
        if let Some(last) = missing(&scan, later, reached, judge).map_err(io)?
            && !judge.accept_loss
        {
            return Err(OpenError::Damaged { above: reached.unwrap_or_default(), to: last });
        }
        tracing::warn!(journal = %journal.path.display(), kept = scan.whole, above = reached.map(|version| version.0),
            "cutting off what stands behind the last whole batch of the journal");
        let cut = |source| OpenError::Io { what: "cut off the torn end of a journal", source };
        put_aside(directory, journal, &scan, later).map_err(cut)?;
        break;
    }
    Ok(filled)
}

/// The last version that would be missing, if what stands behind `scan` is given up.
fn missing(
    scan: &Scan,
    later: &[Journal],
    reached: Option<Version>,
    judge: &Judge,
) -> io::Result<Option<Version>> {
    let mut highest = None;
    // A batch is synced before the next one is written, so a whole one behind the damage proves that the damaged one was there.
    if judge.durability == Durability::Always {
        highest = highest.max(scan.behind);
    }
    for journal in later {
        // A journal is synced before the next one is begun.
        highest = highest.max(journal::scan(&journal.path)?.last);
    }
    let acknowledged = judge.acknowledged.filter(|mark| reached.is_some_and(|reached| reached < *mark));
    Ok(highest.max(acknowledged))
}

fn put_aside(directory: &Path, journal: &Journal, scan: &Scan, later: &[Journal]) -> io::Result<()> {
    let aside = directory.join(ASIDE);
    std::fs::create_dir_all(&aside)?;
    let name = |journal: &Journal, from: u64| {
        aside.join(format!("{:020}-{}-{from}.jnl", scan.last.unwrap_or_default().0, journal.id))
    };
    // A link would share the file that is cut: the bytes that go are copied.
    if scan.torn > 0 {
        let mut source = File::open(&journal.path)?;
        source.seek(SeekFrom::Start(scan.whole))?;
        let mut copy = File::create(name(journal, scan.whole))?;
        io::copy(&mut source.take(scan.torn), &mut copy)?;
        copy.sync_all()?;
    }
    for journal in later {
        std::fs::rename(&journal.path, name(journal, 0))?;
    }
    File::open(&aside)?.sync_all()?;
    let cut = OpenOptions::new().write(true).open(&journal.path)?;
    cut.set_len(scan.whole)?;
    cut.sync_all()?;
    drop_oldest(&aside)
}

fn drop_oldest(aside: &Path) -> io::Result<()> {
    let mut names: Vec<OsString> = std::fs::read_dir(aside)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<Result<_, _>>()?;
    names.sort();
    for name in names.iter().take(names.len().saturating_sub(KEEP)) {
        std::fs::remove_file(aside.join(name))?;
    }
    Ok(())
}
