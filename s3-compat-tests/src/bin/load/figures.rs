//! What was measured of one server.

use std::time::Duration;

use clap::ValueEnum as _;

use crate::cell::Cell;
use crate::usage::Usage;

const MIB: f64 = 1024.0 * 1024.0;

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Operations a second.
    pub(crate) rate: f64,
    /// Median latency, milliseconds.
    pub(crate) p50: f64,
    /// 99th percentile of the latency, milliseconds.
    pub(crate) p99: f64,
    /// CPU time of the server for one operation, milliseconds.
    pub(crate) cpu_ms: f64,
    /// Peak of resident memory, MiB.
    pub(crate) peak_mib: f64,
    /// Bytes written for one operation.
    pub(crate) written: f64,
}

/// One server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Its name.
    pub(crate) server: String,
    /// From the start of the process to its first good answer.
    pub(crate) start: Option<Duration>,
    /// Resident bytes a second after it.
    pub(crate) idle: Option<u64>,
    /// fsync and fdatasync for one PUT of 1 KiB.
    pub(crate) syncs: Option<f64>,
    /// Each cell that was run.
    pub(crate) cells: Vec<(Cell, Figures)>,
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
impl Figures {
    /// From the latencies of all operations, the time they took together, the totals before and after, and the peak in bytes.
    pub(crate) fn new(
        mut latencies: Vec<Duration>,
        elapsed: Duration,
        used: (Usage, Usage),
        peak: u64,
    ) -> Self {
        latencies.sort_unstable();
        let count = latencies.len().max(1) as f64;
        let at = |share: usize| {
            latencies.get((latencies.len() * share / 100).min(latencies.len().saturating_sub(1))).copied()
        };
        let ms = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64() * 1000.0;
        let (before, after) = used;
        Self {
            rate: count / elapsed.as_secs_f64(),
            p50: ms(at(50)),
            p99: ms(at(99)),
            cpu_ms: (after.cpu_ms - before.cpu_ms) / count,
            peak_mib: peak as f64 / MIB,
            written: after.written.saturating_sub(before.written) as f64 / count,
        }
    }
}

/// Three significant digits, whatever the size.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The name of a cell, as on the command line.
pub(crate) fn name(cell: Cell) -> String {
    cell.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A Markdown table of one server.
pub(crate) fn table(report: &Report) -> String {
    let mut text = String::from(
        "| cell | ops/s | p50 ms | p99 ms | CPU ms/op | peak MiB | written/op | written/stored |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (cell, f) in &report.cells {
        #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
        let ratio = if cell.stores() > 0 { short(f.written / cell.stores() as f64) } else { String::new() };
        let row =
            [name(*cell), short(f.rate), short(f.p50), short(f.p99), short(f.cpu_ms), short(f.peak_mib)];
        text += &format!("| {} | {:.0} | {ratio} |\n", row.join(" | "), f.written);
    }
    if let Some(start) = report.start {
        text += &format!("\nstart to first answer: {:.3} s\n", start.as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    if let Some(idle) = report.idle {
        text += &format!("idle resident: {} MiB\n", short(idle as f64 / MIB));
    }
    if let Some(syncs) = report.syncs {
        text += &format!("fsync and fdatasync for a PUT of 1 KiB: {syncs:.3}\n");
    }
    text
}
