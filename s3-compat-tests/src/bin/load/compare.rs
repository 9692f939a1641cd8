//! Several servers in turns, and how they compare.

use crate::cell::Cell;
use crate::figures::{Figures, Report, name, short, table};
use crate::subject::Recipe;
use crate::{Outcome, Settings, run};

/// The server that ratios are against.
const BASE: &str = "versitygw";
/// The server that does nothing but read and send.
const FLOOR: &str = "floor";

/// Runs all servers `rounds` times, each round in another order, and prints the tables.
///
/// # Errors
/// The first that any run met.
pub(crate) async fn run(servers: &[Recipe], rounds: usize, settings: &Settings) -> Outcome<()> {
    let mut reports: Vec<Vec<Report>> = vec![Vec::new(); servers.len()];
    for round in 0..rounds {
        for turn in 0..servers.len() {
            let at = (turn + round) % servers.len();
            eprintln!("round {} of {rounds}: {}", round + 1, servers[at].name);
            let report = run::started(&servers[at], settings).await?;
            eprintln!("{}", table(&report));
            reports[at].push(report);
        }
    }
    println!("Median of {rounds} alternating runs, in brackets lowest and highest.\n");
    print!("{}", tables(&reports));
    Ok(())
}

/// Most that Terrace may use, as a ratio to [`BASE`].
fn goal(cell: Cell) -> Option<f64> {
    Some(match cell {
        Cell::Put1K => 0.40,
        Cell::Get1K => 0.65,
        Cell::Head | Cell::Delete => 0.55,
        Cell::Put256K => 0.60,
        Cell::Put8M | Cell::Multipart => 0.45,
        Cell::Get8M => 2.5,
        Cell::List => 0.15,
        Cell::ListDelimiter => 1.0,
        Cell::Put8MUnsigned | Cell::Put8MTrailer | Cell::Resident => return None,
    })
}

/// What the forms of a body cost beside each other on the first server, and its GET beside the floor: ratios and differences of the same round.
fn within(reports: &[Vec<Report>], servers: &[&str]) -> String {
    let cpu = |runs: &[Report], cell| figures(runs, cell).iter().map(|f| f.cpu_ms).collect::<Vec<_>>();
    let pairs = |left: Vec<f64>, right: Vec<f64>, of: fn(f64, f64) -> f64| {
        shown(left.into_iter().zip(right).map(|(left, right)| of(left, right)).collect())
    };
    let ours = |cell| cpu(&reports[0], cell);
    let floor = servers.iter().position(|name| *name == FLOOR);
    let floor = floor.map_or_else(Vec::new, |floor| cpu(&reports[floor], Cell::Get8M));
    let trailer = pairs(ours(Cell::Put8MTrailer), ours(Cell::Put8MUnsigned), |left, right| left / right);
    let signed = pairs(ours(Cell::Put8M), ours(Cell::Put8MUnsigned), |left, right| (left - right) / 8.0);
    let read = pairs(ours(Cell::Get8M), floor, |left, right| left / right);
    format!(
        "\nCPU of {}, within a round\n\n| figure | | goal |\n|---|---|---|\n| PUT 8 MiB: trailer with CRC-32 / not signed | {trailer} | <= 1.1 |\n\
         | PUT 8 MiB: SHA-256 signed beyond not signed, ms a MiB | {signed} | <= 1 |\n| GET 8 MiB / {FLOOR} | {read} | <= 1.15 |\n",
        servers.first().unwrap_or(&"")
    )
}

/// Median, lowest and highest.
fn spread(mut values: Vec<f64>) -> Option<(f64, f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    Some((*values.get(values.len() / 2)?, *values.first()?, *values.last()?))
}

fn shown(values: Vec<f64>) -> String {
    spread(values).map_or_else(
        || "-".to_owned(),
        |(median, low, high)| format!("{} ({} to {})", short(median), short(low), short(high)),
    )
}

fn figures(reports: &[Report], cell: Cell) -> Vec<&Figures> {
    let all = reports.iter().flat_map(|report| &report.cells);
    all.filter(|(of, _)| *of == cell).map(|(_, figures)| figures).collect()
}

fn tables(reports: &[Vec<Report>]) -> String {
    let servers: Vec<&str> = reports.iter().filter_map(|runs| Some(runs.first()?.server.as_str())).collect();
    let cells: Vec<Cell> = reports
        .first()
        .and_then(|runs| runs.first())
        .map_or(vec![], |report| report.cells.iter().map(|(cell, _)| *cell).collect());
    let (base, first) = (servers.iter().position(|name| *name == BASE), &reports[0]);
    let heading =
        |columns: &str| format!("{columns}{}\n|{}\n", "", "---|".repeat(columns.matches('|').count() - 1));
    let columns = |unit: &str| servers.iter().map(|name| format!(" {name}{unit} |")).collect::<String>();

    let mut text = String::from("CPU milliseconds of the server for one operation\n\n");
    text +=
        &heading(&format!("| cell |{} {} / {BASE} | goal |", columns(""), servers.first().unwrap_or(&"")));
    for cell in cells.iter().filter(|cell| **cell != Cell::Resident) {
        let cpu = |runs: &[Report]| figures(runs, *cell).iter().map(|f| f.cpu_ms).collect::<Vec<_>>();
        let row: String = reports.iter().map(|runs| format!(" {} |", shown(cpu(runs)))).collect();
        let ratios = base.map_or(vec![], |base| {
            cpu(first).iter().zip(cpu(&reports[base])).map(|(ours, theirs)| ours / theirs).collect()
        });
        let goal = goal(*cell).map_or_else(String::new, |goal| format!("<= {goal}"));
        text += &format!("| {} |{row} {} | {goal} |\n", name(*cell), shown(ratios));
    }

    text += &within(reports, &servers);
    text += "\nOperations a second, and latency of the median and of the 99th percentile in milliseconds\n\n";
    text += &heading(&format!("| cell |{}{}{}", columns(" ops/s"), columns(" p50"), columns(" p99")));
    for cell in &cells {
        let column = |read: fn(&Figures) -> f64| {
            let values = |runs: &Vec<Report>| spread(figures(runs, *cell).into_iter().map(read).collect());
            reports
                .iter()
                .map(|runs| format!(" {} |", values(runs).map_or_else(String::new, |v| short(v.0))))
                .collect::<String>()
        };
        text +=
            &format!("| {} |{}{}{}\n", name(*cell), column(|f| f.rate), column(|f| f.p50), column(|f| f.p99));
    }

    text += "\nMemory, disk and start\n\n";
    text += &heading(&format!("| figure |{}", columns("")));
    for (figure, values) in single_figures(&cells) {
        let row: String = reports
            .iter()
            .map(|runs| format!(" {} |", shown(runs.iter().filter_map(&values).collect())))
            .collect();
        text += &format!("| {figure} |{row}\n");
    }
    text
}

type Reading = Box<dyn Fn(&Report) -> Option<f64>>;

/// The figures that are not of every cell, with how they are read from a report.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn single_figures(cells: &[Cell]) -> Vec<(String, Reading)> {
    let of = |report: &Report, cell: Cell| {
        report.cells.iter().find(|(this, _)| *this == cell).map(|(_, f)| f.clone())
    };
    let mut all: Vec<(String, Reading)> = vec![
        ("start to first answer, s".into(), Box::new(|report| Some(report.start?.as_secs_f64()))),
        ("resident when idle, MiB".into(), Box::new(|report| Some(report.idle? as f64 / 1024.0 / 1024.0))),
        ("fsync and fdatasync for a PUT of 1 KiB".into(), Box::new(|report| report.syncs)),
    ];
    if cells.contains(&Cell::Resident) {
        let peak: Reading = Box::new(move |report| Some(of(report, Cell::Resident)?.peak_mib));
        all.push(("resident under 64 uploads of 64 MiB, in a fresh process, MiB".into(), peak));
    }
    let others: Reading = Box::new(|report| {
        let others = report.cells.iter().filter(|(cell, _)| *cell != Cell::Resident);
        others.map(|(_, figures)| figures.peak_mib).max_by(f64::total_cmp)
    });
    all.push(("highest resident in the other cells, one after another, MiB".into(), others));
    for cell in cells.iter().copied().filter(|cell| cell.stores() > 0) {
        let written: Reading = Box::new(move |report| Some(of(report, cell)?.written / cell.stores() as f64));
        all.push((format!("bytes written for a byte stored, {}", name(cell)), written));
    }
    all
}
