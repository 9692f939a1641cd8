//! `terrace config`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Failure, output};
use crate::config::{Sources, check_file};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the settings in effect, secrets redacted
    Print,
    /// Check a file of settings
    Check {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn run(sources: &Sources, command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Print => output::say(&sources.load()?.to_toml()?),
        Command::Check { file } => {
            check_file(file)?;
            output::say(&format!("{} is valid\n", file.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
