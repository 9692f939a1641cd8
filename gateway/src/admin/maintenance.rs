//! The operator's operations on a store, whether a gateway serves it or the command line has opened it.

use std::fmt::Write as _;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use terrace_long_term::{BlobKey, SizeHint};
use terrace_store::fsck::{self, Tally};
use terrace_store::{Boundless, Store};

use super::{Operations, Report};
use crate::assemble::Tiers;
use crate::config::CREDENTIALS_FILE;
use crate::run::Base;
use crate::server::BoxError;

/// Findings that a report lists; the rest are counted.
const LISTED: usize = 1_000;
/// Budget of each step of closing the copy's engine.
const CLOSE: Duration = Duration::from_secs(10);

/// A store and the tiers below it.
pub struct Maintenance {
    base: Base,
    store: Store,
    tiers: Tiers,
}

impl Maintenance {
    /// On an open store.
    #[must_use]
    pub fn new(base: Base, store: Store, tiers: Tiers) -> Self {
        Self { base, store, tiers }
    }

    /// Opens the data directory of the settings to look at it: nothing is taken back, nothing is reclaimed. `accept_loss`: go on without
    /// acknowledged commits that are missing. End it with [`close`](Self::close).
    ///
    /// # Errors
    /// There is no data, or a tier cannot be opened.
    pub async fn open(base: Base, accept_loss: bool) -> Result<Self, BoxError> {
        let directory = &base.settings.data_dir;
        if !Tiers::exist(directory)? {
            return Err(format!("{} holds no data of a gateway", directory.display()).into());
        }
        let tiers = Tiers::open(&base, directory, accept_loss).await?;
        let store = Store::inspect(tiers.parts(&base, Arc::new(Boundless)), &base.registry).await?;
        Ok(Self { base, store, tiers })
    }

    /// Closes the engines.
    ///
    /// # Errors
    /// What did not end.
    pub async fn close(&self) -> Result<(), BoxError> {
        Ok(self.store.close(CLOSE).await?)
    }

    /// Writes the copy to `directory`, which is empty and not yet a backup. While it runs no blob is deleted.
    async fn copy(&self, directory: &Path) -> Result<Report, BoxError> {
        let frozen = self.store.freeze().await;
        self.tiers.checkpoint(directory).await?;
        let beside = self.base.aside();
        let copy = Tiers::open(&beside, directory, false).await?;
        let snapshot = Store::inspect(copy.parts(&beside, Arc::new(Boundless)), &beside.registry).await?;
        let mut copied = Tally::default();
        for named in snapshot.named_blobs().await? {
            match self.copy_blob(&copy, &named.blob).await? {
                Some(bytes) => {
                    copied.count += 1;
                    copied.bytes += bytes;
                }
                None if named.required => return Err(format!("the blob {:?} is missing", named.blob).into()),
                None => {}
            }
        }
        drop(frozen);
        if let Some(deployment) = snapshot.deployment().await? {
            copy.blobs().bind(deployment).await?;
        }
        copy.close().await?;
        Ok(Report { clean: true, text: format!("{} blobs, {} bytes\n", copied.count, copied.bytes) })
    }

    async fn copy_blob(&self, to: &Tiers, key: &BlobKey) -> Result<Option<u64>, BoxError> {
        let Some(blob) = self.tiers.blobs().get(key, None).await? else { return Ok(None) };
        let stored = to.blobs().put(key, blob.body, SizeHint::Exact(blob.size)).await?;
        Ok(Some(stored.size))
    }
}

#[async_trait]
impl Operations for Maintenance {
    async fn fsck(&self, repair: bool) -> Result<Report, BoxError> {
        let report = self.store.fsck(repair).await?;
        // What is repaired is queued: only orphans are, each counted once.
        let left = (report.findings.len() as u64).saturating_sub(report.repaired);
        Ok(Report { clean: left == 0, text: described(&report) })
    }

    async fn backup(&self, directory: &Path) -> Result<Report, BoxError> {
        let target = Target::prepare(directory, &self.base.settings.data_dir)?;
        let copied = self.copy(&target.partial).await;
        let finished = copied.and_then(|report| Ok((report, target.finish(&self.base.settings.data_dir)?)));
        match finished {
            Ok((report, ())) => Ok(report),
            Err(error) => {
                if let Err(left) = std::fs::remove_dir_all(&target.partial) {
                    tracing::warn!(error = %left, directory = %target.partial.display(), "an unfinished backup stays behind");
                }
                Err(error)
            }
        }
    }
}

/// Where a backup goes. It is written beside its place and renamed, so that what is at its place is whole.
struct Target {
    directory: PathBuf,
    partial: PathBuf,
}

impl Target {
    fn prepare(directory: &Path, data: &Path) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the target has no name"));
        };
        let parent = parent.canonicalize()?;
        if parent.starts_with(data.canonicalize()?) {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the target lies in the data directory"));
        }
        let directory = parent.join(name);
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries.count(),
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if entries > 0 {
            return Err(io::Error::new(ErrorKind::DirectoryNotEmpty, "the target is not empty"));
        }
        let partial = parent.join(format!("{}.partial", name.to_string_lossy()));
        std::fs::DirBuilder::new().mode(0o700).create(&partial)?;
        Ok(Self { directory, partial })
    }

    /// Adds the gateway's own keys, so that clients go on with the copy, and puts it in its place.
    fn finish(&self, data: &Path) -> io::Result<()> {
        let keys = data.join(CREDENTIALS_FILE);
        if keys.try_exists()? {
            let copy = self.partial.join(CREDENTIALS_FILE);
            std::fs::copy(keys, &copy)?;
            std::fs::File::open(copy)?.sync_all()?;
        }
        std::fs::File::open(&self.partial)?.sync_all()?;
        std::fs::rename(&self.partial, &self.directory)?;
        match self.directory.parent() {
            Some(parent) => std::fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn described(report: &fsck::Report) -> String {
    let mut text = String::new();
    let classes = [
        ("bodies of records", report.bodies),
        ("parts of uploads", report.parts),
        ("open tickets", report.tickets),
        ("reclaim queue", report.queued),
        ("all blobs", report.blobs),
    ];
    for (name, Tally { count, bytes }) in classes {
        let _infallible = writeln!(text, "{name:<18} {count:>10} blobs {bytes:>16} bytes");
    }
    for finding in report.findings.iter().take(LISTED) {
        let _infallible = writeln!(text, "finding: {finding:?}");
    }
    let _infallible = match (report.findings.len(), report.repaired) {
        (0, _) => writeln!(text, "clean: each blob is in exactly one class"),
        (findings, 0) => writeln!(text, "{findings} findings"),
        (findings, repaired) => writeln!(text, "{findings} findings, {repaired} of them queued for reclaim"),
    };
    text
}
