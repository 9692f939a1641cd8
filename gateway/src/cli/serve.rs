//! `terrace serve`.

use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use terrace_runtime::planted;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{BAD_STORAGE, FAILED, Failure, output};
use crate::config::{CREDENTIALS_FILE, Credentials, Settings, Sources};
use crate::run::{Addresses, Ended};

/// Time for blocking calls that no budget of the stop has waited for.
const LAST: Duration = Duration::from_secs(1);

pub(super) fn run(sources: &Sources) -> Result<ExitCode, Failure> {
    let settings = sources.load()?;
    crate::telemetry::start(&settings.log)?;
    raise_descriptors();
    plant(sources);
    let runtime = super::runtime()?;
    let ended = runtime.block_on(serve(settings));
    if matches!(ended, Ok(Some(Ended::Stopped)) | Err(_)) {
        runtime.shutdown_timeout(LAST);
    } else {
        runtime.shutdown_background();
    }
    Ok(match ended? {
        Some(Ended::Stopped) => ExitCode::SUCCESS,
        Some(Ended::Fatal(reason)) => {
            output::complain(&format!("terrace: the storage cannot be trusted any more: {reason}"));
            ExitCode::from(BAD_STORAGE)
        }
        None => ExitCode::from(FAILED),
    })
}

/// Does nothing in a build that is not one for tests.
fn plant(sources: &Sources) {
    let Some(bug) = sources.planted() else { return };
    planted::plant_in_process(bug);
    if planted::is_planted(bug) {
        tracing::warn!(?bug, "a bug is planted: this gateway loses data");
    }
}

/// `None`: told twice to stop, and did not wait for the end of the first stop.
async fn serve(settings: Settings) -> Result<Option<Ended>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // With a handler in place a write beyond RLIMIT_FSIZE fails with EFBIG, and does not end the process.
    // With a handler in place SIGHUP does not end the process; a certificate's worker listens to it too.
    let _hangup = signal(SignalKind::hangup())?;
    let _file_size = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    let stop = CancellationToken::new();
    let told = async {
        for first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first {
                stop.cancel();
            }
        }
    };
    let shown = settings.clone();
    let running = crate::run::run(
        settings,
        crate::assemble::gateway,
        |addresses| announce(&shown, addresses),
        stop.cancelled(),
    );
    tokio::select! {
        ended = Box::pin(running) => Ok(Some(ended?)),
        () = told => {
            tracing::warn!("told twice to stop: stopping at once");
            Ok(None)
        }
    }
}

/// The first two lines are read by programs.
fn announce(settings: &Settings, addresses: Addresses) {
    let scheme = settings.server.tls.scheme();
    let mut text = format!("listening on {scheme}://{}\nadmin on http://{}\n", addresses.s3, addresses.admin);
    if output::is_terminal() {
        if let Ok((credentials, kept)) = Credentials::resolve(settings) {
            text.push_str(&format!("access key   {}\n", credentials.access_key));
            if kept.is_some() {
                let file = settings.data_dir.join(CREDENTIALS_FILE);
                text.push_str(&format!("secret key   in {}\n", file.display()));
            }
        }
        text.push_str("aws profile  terrace credentials >> ~/.aws/config\n");
    }
    output::say(&text);
}

/// Connections and blobs are descriptors, and the usual soft limit of 1,024 is for programs that use select(2).
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
