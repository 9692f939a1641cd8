//! Counts system calls from outside, by strace.

use std::fs::File;
use std::io::{Error, Result};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use s3_compat_tests::process::Process;
use tempfile::NamedTempFile;

/// A strace that is attached to a process.
pub(crate) struct Counter {
    strace: Process,
    counts: NamedTempFile,
}

impl Counter {
    /// Begins to count fsync and fdatasync of all threads of a process.
    ///
    /// # Errors
    /// If strace is missing, or may not attach.
    pub(crate) fn attach(pid: i32) -> Result<Self> {
        let counts = NamedTempFile::new()?;
        let said = NamedTempFile::new()?;
        let mut command = Command::new("strace");
        command
            .args(["-f", "-c", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(counts.path())
            .args(["-p", &pid.to_string()]);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(said.path())?).spawn()?;
        let mut strace = Process::adopt(child);
        // It says "attached" when it is ready.
        for _ in 0..100 {
            if std::fs::read_to_string(said.path())?.contains("attached") {
                return Ok(Self { strace, counts });
            }
            if strace.wait(Duration::from_millis(50)).is_some() {
                break;
            }
        }
        Err(Error::other(format!("strace does not attach: {}", std::fs::read_to_string(said.path())?)))
    }

    /// Ends it and gives the number of calls.
    ///
    /// # Errors
    /// If it does not end, or its table cannot be read.
    pub(crate) fn stop(mut self) -> Result<u64> {
        self.strace.signal(Signal::INT);
        self.strace.wait(Duration::from_secs(10)).ok_or_else(|| Error::other("strace does not end"))?;
        let table = std::fs::read_to_string(self.counts.path())?;
        // "% time  seconds  usecs/call  calls  [errors]  syscall"
        let calls = table.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let counted = matches!(fields.last(), Some(&("fsync" | "fdatasync")));
            counted.then(|| fields.get(3)?.parse::<u64>().ok()).flatten()
        });
        Ok(calls.sum())
    }
}
