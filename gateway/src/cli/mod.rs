//! The command line, one subcommand a file. Exit codes: 0 done; 1 failed, or `fsck` found something; 2 `fsck` could not look; 74 the
//! storage cannot be trusted; 78 the settings are wrong.

mod backup;
mod config;
mod credentials;
mod fsck;
mod output;
mod serve;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigError, CredentialsError, Overrides, Settings, Sources};
use crate::run::StartError;
use crate::server::BoxError;
use crate::telemetry::chain;

const FAILED: u8 = 1;
/// `EX_CONFIG` of sysexits.h.
const BAD_CONFIG: u8 = 78;
/// `EX_IOERR` of sysexits.h.
const BAD_STORAGE: u8 = 74;

/// An S3 gateway over two tiers. Without a subcommand it serves.
#[derive(Parser)]
#[command(name = "terrace", version, about)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What beats the environment, which beats the file.
#[derive(Args)]
struct Flags {
    /// File of settings, TOML
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the data
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address of the S3 listener; port 0 takes any free one
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Address of the admin listener
    #[arg(long, global = true, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// Filter of the log, such as "info" or "warn,terrace=debug"
    #[arg(long, global = true, value_name = "FILTER")]
    log_level: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve S3 (the default)
    Serve,
    /// Print a ready aws-cli profile
    Credentials,
    /// Prove that blobs and records agree
    Fsck(fsck::Arguments),
    /// Copy both tiers to a new directory, from which a gateway can start
    Backup(backup::Arguments),
    /// Show or check settings
    #[command(subcommand)]
    Config(config::Command),
}

/// Why a command failed, and with which exit code.
struct Failure {
    code: u8,
    error: BoxError,
}

impl<E: Into<BoxError>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let config = error.is::<ConfigError>()
            || error.is::<CredentialsError>()
            || matches!(error.downcast_ref(), Some(StartError::Credentials(_)));
        Self { code: if config { BAD_CONFIG } else { FAILED }, error }
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let Arguments { flags, command } = Arguments::parse();
    let sources = Sources::of_process(flags.into());
    let done = match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&sources),
        Command::Credentials => credentials::run(&sources),
        Command::Fsck(arguments) => fsck::run(&sources, &arguments),
        Command::Backup(arguments) => backup::run(&sources, &arguments),
        Command::Config(command) => config::run(&sources, &command),
    };
    done.unwrap_or_else(|failure| {
        output::complain(&format!("terrace: {}", chain(&*failure.error)));
        ExitCode::from(failure.code)
    })
}

/// Settings, for the commands beside `serve`: these log warnings alone unless told otherwise.
fn quiet_settings(sources: &Sources) -> Result<Settings, Failure> {
    let settings = sources.load()?;
    let mut log = settings.log.clone();
    if log == crate::config::LogSettings::default() {
        "warn".clone_into(&mut log.level);
    }
    crate::telemetry::start(&log)?;
    Ok(settings)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("terrace").build()
}

impl From<Flags> for Overrides {
    fn from(flags: Flags) -> Self {
        let Flags { config, data_dir, listen, admin_listen, log_level } = flags;
        Self { config, data_dir, listen, admin_listen, log_level }
    }
}
