//! Child processes with a deadline.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// Longest life of an outside program: far above what any of them needs, so that a hang fails instead of blocking the run.
pub const DEADLINE: Duration = Duration::from_secs(900);

/// A child whose end is waited for on a thread of its own, so that waiting can have a deadline.
pub struct Process {
    pid: Pid,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Process {
    /// Takes over a started child.
    ///
    /// # Panics
    /// If the system gives no thread.
    #[must_use]
    pub fn adopt(mut child: Child) -> Self {
        let pid = Pid::from_child(&child);
        let (tell, ended) = mpsc::channel();
        std::thread::Builder::new()
            .name("wait".to_owned())
            .spawn(move || {
                if let Ok(status) = child.wait() {
                    let _gone = tell.send(status);
                }
            })
            .expect("a thread to wait on");
        Self { pid, ended, status: None }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal, unless the process is known to have ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.wait(Duration::ZERO).is_none() {
            let _ended_meanwhile = rustix::process::kill_process(self.pid, signal);
        }
    }

    /// How it ended, waiting at most `limit`; `None` if it still runs.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.ended.recv_timeout(limit).ok();
        }
        self.status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(10));
    }
}

/// What a finished program said.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, invalid UTF-8 replaced.
    pub out: String,
    /// Standard error, invalid UTF-8 replaced.
    pub err: String,
}

/// Runs a program to its end, whatever its exit code. Output goes through files in `scratch`, so a chatty program never blocks.
///
/// # Panics
/// If it does not start, or runs longer than [`DEADLINE`].
pub fn run(command: &mut Command, scratch: &Path) -> Said {
    let out = tempfile::NamedTempFile::new_in(scratch).expect("a file for standard output");
    let err = tempfile::NamedTempFile::new_in(scratch).expect("a file for standard error");
    let child = command
        .stdin(Stdio::null())
        .stdout(out.reopen().expect("standard output"))
        .stderr(err.reopen().expect("standard error"))
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let status = Process::adopt(child).wait(DEADLINE);
    let said = |file: &Path| {
        let mut text = Vec::new();
        File::open(file).and_then(|mut file| file.read_to_end(&mut text)).expect("the program's output");
        String::from_utf8_lossy(&text).into_owned()
    };
    let (out, err) = (said(out.path()), said(err.path()));
    let status = status.unwrap_or_else(|| panic!("{command:?} runs longer than {DEADLINE:?}\n{out}\n{err}"));
    Said { status, out, err }
}

/// Runs a program that must succeed, and gives its standard output.
///
/// # Panics
/// If it fails, with all that it said.
pub fn succeed(command: &mut Command, scratch: &Path) -> String {
    let said = run(command, scratch);
    assert!(said.status.success(), "{command:?}: {}\n{}\n{}", said.status, said.out, said.err);
    said.out
}
