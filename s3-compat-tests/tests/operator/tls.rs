//! A certificate is replaced under a running server. (That clients work over https is theirs to prove, in `tests/clients`.)

use std::process::Command;

use rustix::process::Signal;
use s3_compat_tests::server::Server;
use s3_compat_tests::{authority, scenario, tool};

use super::until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/boto3_scenarios.py");

#[tokio::test]
async fn a_new_certificate_is_in_force_after_sighup_without_a_restart() {
    let Some(python) = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true) else { return };
    let mut server = Server::start_secured(&[]);
    // By another authority, which alone the client is to trust.
    let _files = authority::certify(&server.home().scratch());
    server.signal(Signal::HUP);
    until(|| server.log().contains("the certificate was replaced")).await;
    scenario::run(Command::new(python).args(["-B", SCRIPT]), "buckets", &server);
    server.stop_clean();
}
