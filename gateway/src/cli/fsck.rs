//! `terrace fsck`.

use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;

use super::{Failure, output};
use crate::admin::{ClientError, Endpoint, Maintenance, Operations as _, Report, call};
use crate::config::{Settings, Sources};
use crate::run::Base;
use crate::server::BoxError;

const FOUND: u8 = 1;
const COULD_NOT_LOOK: u8 = 2;

#[derive(Args)]
pub(super) struct Arguments {
    /// Queue blobs that nothing names for deletion
    #[arg(long)]
    repair: bool,
    /// Open although acknowledged commits are missing, and go on without them; only on a gateway that does not run
    #[arg(long)]
    accept_loss: bool,
}

pub(super) fn run(sources: &Sources, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let settings = super::quiet_settings(sources)?;
    let report = super::runtime()?.block_on(Box::pin(report(settings, arguments)));
    let report = report.map_err(|error| Failure { code: COULD_NOT_LOOK, error })?;
    output::say(&report.text);
    Ok(if report.clean { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

async fn report(settings: Settings, arguments: &Arguments) -> Result<Report, BoxError> {
    if !arguments.accept_loss
        && let Some(running) = Endpoint::read(&settings.data_dir)?
    {
        let target = if arguments.repair { "/fsck?repair" } else { "/fsck" };
        match call(&running, target, Bytes::new()).await {
            // Killed, or past talking: whether the directory is free is for its lock to say.
            Err(ClientError::NotRunning(_) | ClientError::Broken { .. }) => {}
            reported => return Ok(reported?),
        }
    }
    let opened = Maintenance::open(Base::new(settings), arguments.accept_loss).await?;
    let report = opened.fsck(arguments.repair).await;
    opened.close().await?;
    report
}
