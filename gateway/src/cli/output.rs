//! Lines for whoever started the command. A closed pipe is no reason to panic: nobody reads.

use std::io::{IsTerminal as _, Write as _};

/// Writes to standard output.
pub(super) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _nobody_reads = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(super) fn complain(line: &str) {
    let _nobody_reads = writeln!(std::io::stderr().lock(), "{line}");
}

/// Whether a person reads standard output.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}
