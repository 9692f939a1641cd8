//! The figures of Terrace beside those of its peers. Servers and this program run on different cores; every body is checked; every
//! answer that is not the expected one ends the run.

mod cell;
mod client;
mod compare;
mod figures;
mod floor;
mod run;
mod subject;
mod syscalls;
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::cell::Cell;
use crate::subject::Recipe;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures S3 servers: operations a second, latency, CPU time, memory and bytes written.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One server, every cell once.
    Run {
        /// `terrace`, `versitygw`, `s3s-fs`, `floor` (see `load floor`), or NAME=COMMAND. The command is run by `sh`; {data}, {port}, {access_key} and
        /// {secret_key} in it are replaced, and it must serve path style on 127.0.0.1:{port}, region us-east-1.
        #[arg(long, default_value = "terrace")]
        server: Recipe,
        /// A server that runs already, instead of starting one: http://127.0.0.1:PORT.
        #[arg(long, requires = "pid")]
        endpoint: Option<String>,
        /// Process id of the server at --endpoint.
        #[arg(long)]
        pid: Option<i32>,
        /// Access key for --endpoint.
        #[arg(long, default_value = s3_compat_tests::server::ACCESS_KEY)]
        access_key: String,
        /// Secret key for --endpoint.
        #[arg(long, default_value = s3_compat_tests::server::SECRET_KEY)]
        secret_key: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Several servers in turns, and a Markdown table of medians, spreads and ratios.
    Compare {
        /// As for `run`, several times; the ratios are against `versitygw`.
        #[arg(long, default_values = ["terrace", "versitygw", "s3s-fs"])]
        server: Vec<Recipe>,
        /// How often each server takes its turn.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        #[command(flatten)]
        settings: Settings,
    },
    /// Serves files with nothing but hyper, until it is killed: what any server costs.
    Floor {
        /// Where it listens.
        listen: std::net::SocketAddr,
        /// Where it keeps what is PUT.
        folder: PathBuf,
    },
}

/// What is the same for every server.
#[derive(Args, Clone)]
struct Settings {
    /// Seconds each timed cell runs.
    #[arg(long, default_value = "3", value_parser = |text: &str| text.parse().map(Duration::from_secs_f64))]
    seconds: Duration,
    /// Connections at once.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Only these cells.
    #[arg(long, value_delimiter = ',')]
    cells: Vec<Cell>,
    /// Folder that the servers' data directories are made in.
    #[arg(long, default_value = "/tmp")]
    data: PathBuf,
    /// Core of the server.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// Core of this program.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
    /// Count fsync and fdatasync by strace, in a short run of its own (not with --endpoint).
    #[arg(long)]
    syncs: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Run { settings, .. } | Command::Compare { settings, .. } => {
            subject::pin(settings.load_core)?
        }
        Command::Floor { .. } => {}
    }
    let mut runtime = match arguments.command {
        Command::Floor { .. } => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Run { server, endpoint: None, settings, .. } => {
                let report = run::started(&server, &settings).await?;
                print!("{}", figures::table(&report));
            }
            Command::Run { endpoint: Some(endpoint), pid, access_key, secret_key, settings, .. } => {
                let address = endpoint.strip_prefix("http://").unwrap_or(&endpoint);
                let subject =
                    subject::Subject::running(address, pid.unwrap_or_default(), &access_key, &secret_key);
                print!("{}", figures::table(&run::all(&subject, &settings).await?));
            }
            Command::Floor { listen, folder } => floor::serve(listen, folder).await?,
            Command::Compare { server, rounds, settings } => compare::run(&server, rounds, &settings).await?,
        }
        Ok(())
    })
}
