//! Admission by free space (data-model.md, section 4, "Space"): writes that add bytes are refused while there is still room for
//! deletes, compaction and the journal to go on.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statfs, statvfs};
use terrace_runtime::{Tasks, WorkerStatus};
use terrace_store::Space as _;

use crate::config::SpaceSettings;

/// Pause between two looks, and between two where a second of writing could use up what is left above the reserve.
const EVERY: Duration = Duration::from_secs(1);
const NEAR: Duration = Duration::from_millis(100);
/// More than a disk of one machine takes in a second.
const NEAR_BYTES: u64 = 8 << 30;
const LEAST_RESERVE: u64 = 512 << 20;
const RESERVE_SHARE: u64 = 50;
/// The reserve counts as used up below one part in this many of it.
const USED_UP_SHARE: u64 = 8;
/// A disk gets a ballast only if it is this many times as large.
const BALLAST_SHARE: u64 = 20;
/// `f_type` of a file system that lives in memory (statfs(2)): what is allocated there is memory.
const TMPFS: u64 = 0x0102_1994;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Disk {
    free: u64,
    total: u64,
}

/// Watches the free bytes of directories, once a second, and ten times a second near the reserve. Reads, never writes, but for the ballast.
#[derive(Debug)]
pub struct Space {
    directories: Vec<PathBuf>,
    reserve: Option<u64>,
    ballast: Ballast,
    admits: AtomicBool,
}

#[derive(Debug)]
struct Ballast {
    path: PathBuf,
    bytes: u64,
}

/// What to do with the ballast after a look at the disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Release,
    Restore,
}

impl Space {
    /// Looks once, then starts the worker `space`. The first directory holds the ballast; all must exist. Must be called on a runtime.
    ///
    /// # Errors
    /// The free space of a directory cannot be read.
    pub fn watch(
        tasks: &Tasks,
        settings: &SpaceSettings,
        directories: Vec<PathBuf>,
    ) -> io::Result<Arc<Self>> {
        let home = directories.first().cloned().unwrap_or_default();
        let in_memory = statfs(&home).is_ok_and(|facts| facts.f_type.cast_unsigned() == TMPFS);
        let bytes = if in_memory { 0 } else { settings.ballast };
        let space = Arc::new(Self {
            directories,
            reserve: settings.reserve,
            ballast: Ballast { path: home.join("ballast"), bytes },
            admits: AtomicBool::new(true),
        });
        space.look()?;
        let (watched, blocking) = (Arc::clone(&space), tasks.clone());
        tasks.worker("space", move |stop, status| async move {
            loop {
                let pause = watched.round(&blocking, &status).await;
                if stop.sleep(pause).await {
                    return;
                }
            }
        });
        Ok(space)
    }

    /// One look, and what follows from it. How long until the next.
    async fn round(self: &Arc<Self>, tasks: &Tasks, status: &WorkerStatus) -> Duration {
        let (step, pause) = match self.look() {
            Ok(seen) => seen,
            Err(error) => {
                status.set(format!("cannot read free space: {error}"));
                return EVERY;
            }
        };
        status.set(if self.admits_writes() {
            "writes go on"
        } else {
            "writes are refused: too little free space"
        });
        if step == Step::Keep {
            return pause;
        }
        let space = Arc::clone(self);
        match tasks.blocking("ballast", move || space.ballast.take(step)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, ?step, "the ballast file stays as it is"),
            Err(error) => tracing::warn!(%error, "the ballast file stays as it is"),
        }
        pause
    }

    fn look(&self) -> io::Result<(Step, Duration)> {
        let disks = self.directories.iter().map(|path| read(path)).collect::<io::Result<Vec<_>>>()?;
        let admits = disks.iter().all(|disk| disk.free >= reserve(self.reserve, disk.total));
        if self.admits.swap(admits, Ordering::Relaxed) != admits {
            if admits {
                tracing::info!("free space is back: writes go on");
            } else {
                tracing::warn!(
                    code = "InsufficientStorage",
                    ?disks,
                    "free space is below the reserve: writes are refused"
                );
            }
        }
        let held = self.ballast.bytes > 0 && self.ballast.path.exists();
        let step =
            disks.first().map_or(Step::Keep, |disk| step(*disk, self.reserve, self.ballast.bytes, held));
        let pause = disks.iter().map(|disk| pause(*disk, self.reserve)).min().unwrap_or(EVERY);
        Ok((step, pause))
    }
}

impl terrace_store::Space for Space {
    fn admits_writes(&self) -> bool {
        self.admits.load(Ordering::Relaxed)
    }
}

fn reserve(set: Option<u64>, total: u64) -> u64 {
    set.unwrap_or_else(|| LEAST_RESERVE.max(total / RESERVE_SHARE))
}

fn step(disk: Disk, set: Option<u64>, ballast: u64, held: bool) -> Step {
    let reserve = reserve(set, disk.total);
    if held && disk.free < reserve / USED_UP_SHARE {
        Step::Release
    } else if !held
        && ballast > 0
        && disk.total / BALLAST_SHARE >= ballast
        && disk.free >= reserve + 2 * ballast
    {
        Step::Restore
    } else {
        Step::Keep
    }
}

/// How long a look at a disk holds. A disk below its reserve takes no writes, so nothing is urgent.
fn pause(disk: Disk, set: Option<u64>) -> Duration {
    match disk.free.checked_sub(reserve(set, disk.total)) {
        Some(left) if left < NEAR_BYTES => NEAR,
        _ => EVERY,
    }
}

fn read(path: &Path) -> io::Result<Disk> {
    let facts = statvfs(path)?;
    Ok(Disk { free: facts.f_bavail * facts.f_frsize, total: facts.f_blocks * facts.f_frsize })
}

impl Ballast {
    fn take(&self, step: Step) -> io::Result<()> {
        match step {
            Step::Keep => Ok(()),
            Step::Release => {
                tracing::warn!(
                    bytes = self.bytes,
                    "the reserve of free space is used up: giving back the ballast file"
                );
                std::fs::remove_file(&self.path)
            }
            Step::Restore => self.restore(),
        }
    }

    fn restore(&self) -> io::Result<()> {
        let file = File::create(&self.path)?;
        let allocated = fallocate(&file, FallocateFlags::empty(), 0, self.bytes);
        if let Err(error) = allocated {
            match std::fs::remove_file(&self.path) {
                Err(gone) if gone.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
            return Err(error.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn the_reserve_is_what_is_set_or_the_larger_of_512_mib_and_2_percent() {
        assert_eq!(reserve(Some(7), GIB), 7);
        assert_eq!(reserve(None, 10 * GIB), 512 << 20);
        assert_eq!(reserve(None, 100 * GIB), 2 * GIB);
    }

    #[test]
    fn near_the_reserve_a_look_holds_for_a_tenth_of_a_second() {
        let at = |free| pause(Disk { free, total: 100 * GIB }, Some(GIB));
        assert_eq!((at(90 * GIB), at(9 * GIB), at(9 * GIB - 1)), (EVERY, EVERY, NEAR));
        assert_eq!((at(GIB), at(GIB - 1)), (NEAR, EVERY));
    }

    #[test]
    fn the_ballast_is_given_back_when_the_reserve_is_used_up_and_restored_when_there_is_plenty() {
        let ballast = 256 << 20;
        let at = |free, held| step(Disk { free, total: 100 * GIB }, None, ballast, held);
        assert_eq!(at(50 * GIB, true), Step::Keep);
        assert_eq!(at(GIB, true), Step::Keep);
        assert_eq!(at(GIB / 4 - 1, true), Step::Release);
        assert_eq!(at(0, false), Step::Keep);
        assert_eq!(at(2 * GIB + ballast, false), Step::Keep);
        assert_eq!(at(2 * GIB + 2 * ballast, false), Step::Restore);
        assert_eq!(
            step(Disk { free: GIB, total: GIB }, Some(0), ballast, false),
            Step::Keep,
            "a small disk gets none"
        );
        assert_eq!(
            step(Disk { free: 90 * GIB, total: 100 * GIB }, None, 0, false),
            Step::Keep,
            "none is wanted"
        );
    }

    #[tokio::test]
    async fn writes_are_refused_below_the_reserve_and_admitted_above_it() {
        let directory = tempfile::tempdir().unwrap();
        let watch = |reserve| {
            let settings = SpaceSettings { reserve: Some(reserve), ballast: 0 };
            Space::watch(&Tasks::new(), &settings, vec![directory.path().into()]).unwrap().admits_writes()
        };
        assert!(watch(0));
        assert!(!watch(u64::MAX));
    }

    #[test]
    fn a_restored_ballast_is_really_allocated_and_a_released_one_is_gone() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast { path: directory.path().join("ballast"), bytes: 1 << 20 };
        match ballast.take(Step::Restore) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => return,
            Err(error) => panic!("{error}"),
        }
        assert!(std::fs::metadata(&ballast.path).unwrap().blocks() * 512 >= 1 << 20);
        ballast.take(Step::Release).unwrap();
        assert!(!ballast.path.exists());
    }
}
