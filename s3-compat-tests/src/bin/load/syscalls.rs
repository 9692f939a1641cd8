//! Counts system calls from outside, by strace. The server starts under it with a filter in the kernel: a strace that is attached later
//! stops the server at every system call, which changes how commits meet in a batch.

use std::fs;
use std::io::Result;
use std::path::Path;

/// The words in front of a server's command. strace detaches itself (-D), so the server keeps the process id of the command.
pub(crate) fn wrapper(trace: &Path) -> String {
    format!("strace -D -f --seccomp-bpf -qq -e trace=fsync,fdatasync -e signal=none -o {} ", trace.display())
}

/// Calls of fsync and fdatasync in a trace so far.
///
/// # Errors
/// If the trace cannot be read.
pub(crate) fn count(trace: &Path) -> Result<usize> {
    let trace = fs::read(trace)?;
    let text = String::from_utf8_lossy(&trace);
    // A call that another thread interrupts has a second line, "<... fsync resumed>".
    Ok(text.lines().filter(|line| line.contains(" fsync(") || line.contains(" fdatasync(")).count())
}
