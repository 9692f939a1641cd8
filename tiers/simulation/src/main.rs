//! Runs seeds, and prints what they met.

use std::process::ExitCode;

use clap::Parser;
use terrace_simulation::faults::Tally;
use terrace_simulation::{Options, run};

/// Deterministic simulation of Terrace's store under faults.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This one alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Prints what happened, line by line.
    #[arg(long)]
    trace: bool,
    /// Goes on behind a seed that failed.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options { keep_trace: arguments.trace, ..Options::default() };
    let (from, count) = arguments.seed.map_or((arguments.from, arguments.seeds), |seed| (seed, 1));
    let (mut fired, mut answered, mut failed) = (Tally::default(), 0, 0_u64);
    for seed in from..from.saturating_add(count) {
        let report = run(seed, &options);
        fired.add(&report.fired);
        answered += report.answered;
        for line in &report.trace {
            println!("{line}");
        }
        if !report.is_clean() {
            print!("{report}");
            failed += 1;
            if !arguments.keep_going {
                break;
            }
        }
        if arguments.seed.is_some() {
            println!("trace {:016x}", report.trace_hash);
        }
    }
    println!("{fired}");
    println!("{count} seeds from {from}: {answered} answers, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
