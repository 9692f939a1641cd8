//! `terrace credentials`.

use std::process::ExitCode;

use super::{Failure, output};
use crate::admin::Endpoint;
use crate::config::{Credentials, Sources};

/// Prints a profile for `~/.aws/config`: the secret is in it, because that is what was asked for.
pub(super) fn run(sources: &Sources) -> Result<ExitCode, Failure> {
    let settings = super::quiet_settings(sources)?;
    let (credentials, _) = Credentials::resolve(&settings)?;
    let running = Endpoint::read(&settings.data_dir)?;
    let mut endpoint = running.map_or(settings.server.listen, |endpoint| endpoint.s3);
    if endpoint.ip().is_unspecified() {
        // Every address of the machine: a client here needs one.
        endpoint.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    output::say(&format!(
        "[profile terrace]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = {}\nendpoint_url = {}://{endpoint}\n",
        credentials.access_key,
        credentials.secret_key.expose(),
        settings.server.region,
        settings.server.tls.scheme(),
    ));
    Ok(ExitCode::SUCCESS)
}
