//! Where the lines of the S3 access log go.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use prometheus::{IntCounter, Registry};
use terrace_runtime::Tasks;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Lines that wait to be written. A disk that is slow makes lines be dropped and counted: no request waits for its line.
const WAITING: usize = 4_096;
/// What the setting says for standard output.
const STDOUT: &str = "-";

/// Why there is no access log.
#[derive(Debug, thiserror::Error)]
pub enum AccessLogError {
    /// The file cannot be opened.
    #[error("cannot write the access log {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The signal to open the file anew cannot be watched.
    #[error("cannot watch for SIGHUP")]
    Signal(#[source] io::Error),
    /// Its counter is registered already.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

/// A file (or standard output) that lines are appended to by a worker of its own. At SIGHUP the file is opened anew, so that it can be moved away.
pub struct AccessLogFile {
    lines: Sender<String>,
    dropped: IntCounter,
}

impl AccessLogFile {
    /// Opens the file (`-`: standard output) and starts the worker. Must be called on a runtime.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn start(path: &Path, tasks: &Tasks, registry: &Registry) -> Result<Self, AccessLogError> {
        let open_failed = |source| AccessLogError::Open { path: path.to_owned(), source };
        let mut sink = open(path).map_err(open_failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(AccessLogError::Signal)?;
        let dropped = IntCounter::new(
            "access_log_lines_dropped_total",
            "Lines of the S3 access log that are not in it.",
        )?;
        registry.register(Box::new(dropped.clone()))?;
        let (lines, mut waiting) = mpsc::channel(WAITING);
        let (lost, path) = (dropped.clone(), path.to_owned());
        tasks.worker("access log", move |stop, status| async move {
            let (mut batch, mut failing) = (Vec::new(), false);
            loop {
                let more = tokio::select! {
                    count = waiting.recv_many(&mut batch, WAITING) => count > 0,
                    () = stop.wait() => false,
                    _ = hangup.recv() => {
                        match open(&path) {
                            Ok(new) => sink = new,
                            Err(error) => tracing::error!(%error, "the access log could not be opened anew, the old file stays"),
                        }
                        continue;
                    }
                };
                if !more {
                    rest(&mut waiting, &mut batch);
                }
                match write(&mut sink, &batch).await {
                    Ok(()) => {
                        failing = false;
                        status.set("well");
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut failing, true) {
                            tracing::error!(%error, "the access log cannot be written, its lines are lost");
                        }
                        lost.inc_by(batch.len() as u64);
                        status.set(error.to_string());
                    }
                }
                batch.clear();
                if !more {
                    return;
                }
            }
        });
        Ok(Self { lines, dropped })
    }

    /// Hands over a line, which must end with a newline. Never waits.
    pub(super) fn write(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.dropped.inc();
        }
    }
}

fn rest(waiting: &mut Receiver<String>, batch: &mut Vec<String>) {
    waiting.close();
    while let Ok(line) = waiting.try_recv() {
        batch.push(line);
    }
}

fn open(path: &Path) -> io::Result<File> {
    if path.as_os_str() == STDOUT {
        return Ok(File::from_std(io::stdout().as_fd().try_clone_to_owned()?.into()));
    }
    Ok(File::from_std(std::fs::File::options().create(true).append(true).mode(0o640).open(path)?))
}

async fn write(sink: &mut File, lines: &[String]) -> io::Result<()> {
    sink.write_all(lines.concat().as_bytes()).await?;
    sink.flush().await
}
