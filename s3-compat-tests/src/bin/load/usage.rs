//! What the system says a process has used, from `/proc`.

use std::fs;
use std::io::{Error, ErrorKind, Result};

/// Totals since the process began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time of all threads, milliseconds (in steps of one clock tick, 10 ms on most machines).
    pub(crate) cpu_ms: f64,
    /// Bytes that it made the storage layer write (`write_bytes`).
    pub(crate) written: u64,
}

/// The totals of a process by now.
///
/// # Errors
/// If there is no such process, or its files may not be read.
pub(crate) fn of(pid: i32) -> Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in brackets that may hold anything; utime and stime are the 12th and 13th behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).ok_or_else(unreadable);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let cpu_ms = (ticks(11)? + ticks(12)?) as f64 * 1000.0 / rustix::param::clock_ticks_per_second() as f64;
    Ok(Usage { cpu_ms, written: field(pid, "io", "write_bytes:")? })
}

/// Resident memory now and at its peak, bytes.
///
/// # Errors
/// As [`of`].
pub(crate) fn resident(pid: i32) -> Result<(u64, u64)> {
    Ok((field(pid, "status", "VmRSS:")? * 1024, field(pid, "status", "VmHWM:")? * 1024))
}

/// Begins the peak of resident memory anew.
///
/// # Errors
/// As [`of`].
pub(crate) fn reset_peak(pid: i32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

fn field(pid: i32, file: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}"))?;
    let value =
        text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    value.ok_or_else(unreadable)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::InvalidData, "a file of /proc has another shape than expected")
}
