//! Runs the cells on one server.

use std::cell::Cell as Slot;
use std::time::Duration;

use clap::ValueEnum as _;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use s3_compat_tests::sign::Request;
use tokio::time::Instant;

use crate::cell::{BUCKETS, Bodies, Cell};
use crate::client::{Client, Expect};
use crate::figures::{Figures, Report};
use crate::subject::{Recipe, Subject};
use crate::{Outcome, Settings, syscalls, usage};

/// After a cell: what the server does later for the operations of the cell belongs to the cell.
const SETTLE: Duration = Duration::from_millis(300);

/// Starts a server, waits until it is idle, and runs the cells on it; that of resident memory on another.
///
/// # Errors
/// The first that any step met.
pub(crate) async fn started(recipe: &Recipe, settings: &Settings) -> Outcome<Report> {
    let subject = Subject::start(recipe, settings, "").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = usage::resident(subject.pid)?.0;
    let (alone, together): (Vec<_>, Vec<_>) =
        wanted(settings).into_iter().partition(|cell| *cell == Cell::Resident);
    let mut report = cells(&subject, &together, settings).await?;
    drop(subject);
    if !alone.is_empty() {
        // On a server of its own: what the allocator keeps of other cells is not memory of these uploads.
        let subject = Subject::start(recipe, settings, "").await?;
        report.cells.append(&mut cells(&subject, &alone, settings).await?.cells);
    }
    (report.server, report.idle) = (recipe.name.clone(), Some(idle));
    if settings.syncs {
        report.syncs = Some(syncs(recipe, settings).await?);
    }
    Ok(report)
}

/// Runs the cells on a server that answers.
///
/// # Errors
/// The first that any step met.
pub(crate) async fn all(subject: &Subject, settings: &Settings) -> Outcome<Report> {
    cells(subject, &wanted(settings), settings).await
}

fn wanted(settings: &Settings) -> Vec<Cell> {
    let all = Cell::value_variants().iter().copied();
    all.filter(|cell| settings.cells.is_empty() || settings.cells.contains(cell)).collect()
}

async fn cells(subject: &Subject, cells: &[Cell], settings: &Settings) -> Outcome<Report> {
    let bodies = Bodies::new();
    create_buckets(subject).await?;
    let mut report = Report { start: subject.start, ..Report::default() };
    for cell in cells {
        report.cells.push((*cell, measured(subject, *cell, &bodies, settings).await?));
    }
    Ok(report)
}

async fn measured(subject: &Subject, cell: Cell, bodies: &Bodies, settings: &Settings) -> Outcome<Figures> {
    let connections = settings.connections;
    let prepared = drive(subject, connections, (cell.prepared(), None), async |client, index| {
        cell.prepare(client, bodies, index).await
    });
    prepared.await?;
    tokio::time::sleep(SETTLE).await;

    usage::reset_peak(subject.pid)?;
    let before = usage::of(subject.pid)?;
    let connections = cell.connections().unwrap_or(connections);
    let done = drive(subject, connections, (cell.limit(), Some(settings.seconds)), async |client, index| {
        cell.operate(client, bodies, index).await
    });
    let (latencies, elapsed) = done.await?;
    tokio::time::sleep(SETTLE).await;
    let after = usage::of(subject.pid)?;
    let peak = usage::resident(subject.pid)?.1;
    Ok(Figures::new(latencies, elapsed, (before, after), peak))
}

/// Calls of fsync and fdatasync for one PUT of 1 KiB, on a server of its own.
async fn syncs(recipe: &Recipe, settings: &Settings) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("trace");
    let subject = Subject::start(recipe, settings, &syscalls::wrapper(&trace)).await?;
    create_buckets(&subject).await?;
    let bodies = Bodies::new();
    let before = syscalls::count(&trace)?;
    let done =
        drive(&subject, settings.connections, (u64::MAX, Some(settings.seconds)), async |client, index| {
            Cell::Put1K.operate(client, &bodies, index).await
        });
    let (latencies, _) = done.await?;
    let calls = syscalls::count(&trace)? - before;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(calls as f64 / latencies.len() as f64)
}

async fn create_buckets(subject: &Subject) -> Outcome<()> {
    let mut client = Client::open(subject).await?;
    for bucket in BUCKETS {
        client.exchange(&Request::new("PUT", &format!("/{bucket}")).body(b""), b"", Expect::Any).await?;
    }
    Ok(())
}

/// Runs operations on `connections` connections until `limit` have begun or the time is over, and those that have begun have ended.
/// Gives the latency of each, and the time from the first to the last.
async fn drive(
    subject: &Subject,
    connections: usize,
    (limit, time): (u64, Option<Duration>),
    operate: impl AsyncFn(&mut Client, u64) -> std::io::Result<()>,
) -> Outcome<(Vec<Duration>, Duration)> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::open(subject).await?);
    }
    let (next, operate) = (Slot::new(0), &operate);
    let began = Instant::now();
    let mut workers: FuturesUnordered<_> = clients
        .into_iter()
        .map(|mut client| {
            let next = &next;
            async move {
                let mut latencies = Vec::new();
                while next.get() < limit && time.is_none_or(|time| began.elapsed() < time) {
                    let index = next.replace(next.get() + 1);
                    let start = Instant::now();
                    operate(&mut client, index).await?;
                    latencies.push(start.elapsed());
                }
                std::io::Result::Ok(latencies)
            }
        })
        .collect();
    let mut latencies = Vec::new();
    while let Some(of_one) = workers.next().await {
        latencies.append(&mut of_one?);
    }
    Ok((latencies, began.elapsed()))
}
