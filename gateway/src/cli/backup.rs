//! `terrace backup`.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;

use super::{Failure, output};
use crate::admin::{ClientError, Endpoint, Maintenance, Operations as _, Report, call};
use crate::config::{Settings, Sources};
use crate::run::Base;
use crate::server::BoxError;

#[derive(Args)]
pub(super) struct Arguments {
    /// Where the copy goes; must not exist, or be empty
    directory: PathBuf,
}

pub(super) fn run(sources: &Sources, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = super::quiet_settings(sources)?;
    let directory = std::path::absolute(&arguments.directory)?;
    let report = super::runtime()?.block_on(Box::pin(backup(settings, directory)))?;
    output::say(&report.text);
    Ok(ExitCode::SUCCESS)
}

/// A running gateway makes the copy itself, since it alone holds the data directory.
async fn backup(settings: Settings, directory: PathBuf) -> Result<Report, BoxError> {
    if let Some(running) = Endpoint::read(&settings.data_dir)? {
        let path = Bytes::copy_from_slice(directory.as_os_str().as_bytes());
        match call(&running, "/backup", path).await {
            // Killed, or past talking: whether the directory is free is for its lock to say.
            Err(ClientError::NotRunning(_) | ClientError::Broken { .. }) => {}
            reported => return Ok(reported?),
        }
    }
    let opened = Maintenance::open(Base::new(settings), false).await?;
    let report = opened.backup(&directory).await;
    opened.close().await?;
    report
}
