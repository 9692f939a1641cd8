//! The real binary behind its own certificate. boto3 speaks otherwise over https: it leaves bodies out of the signature and sends a
//! checksum behind them.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use s3_compat_tests::process;
use s3_compat_tests::server::{ACCESS_KEY, Home, REGION, SECRET_KEY, Server};
use s3_compat_tests::tool;

use super::until;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/boto3_scenarios.py");
/// Writes a new certificate for 127.0.0.1, and its key.
fn certify(home: &Home) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (home.scratch().join("cert.pem"), home.scratch().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

fn start() -> (Server, PathBuf) {
    let home = Home::new();
    let (cert, key) = certify(&home);
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_SERVER__TLS__CERT_FILE", &cert).env("TERRACE_SERVER__TLS__KEY_FILE", &key);
    let server = home.start_by(command);
    assert!(server.endpoint().starts_with("https://127.0.0.1:"), "{}", server.endpoint());
    (server, cert)
}

fn boto3(python: &Path, server: &Server, trusted: &Path, scenario: &str) {
    let mut command = Command::new(python);
    command
        .args(["-B", SCRIPT, scenario])
        .env("ENDPOINT", server.endpoint())
        .env("ACCESS_KEY", ACCESS_KEY)
        .env("SECRET_KEY", SECRET_KEY)
        .env("REGION", REGION)
        .env("SCRATCH", server.home().scratch())
        .env("AWS_CA_BUNDLE", trusted)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let said = process::succeed(&mut command, &server.home().scratch());
    assert!(said.contains("done"), "{said}");
}

#[test]
fn boto3_works_over_https_with_its_defaults() {
    let Some(python) = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true) else { return };
    for scenario in ["objects", "metadata", "multipart", "checksums", "streams", "conditions"] {
        let (server, trusted) = start();
        boto3(&python, &server, &trusted, scenario);
        server.stop_clean();
    }
}

#[tokio::test]
async fn a_new_certificate_is_in_force_after_sighup_without_a_restart() {
    let Some(python) = tool::find("boto3", "python3", &["-c", "import boto3"], |_| true) else { return };
    let (mut server, _) = start();
    let (trusted, _) = certify(server.home());
    server.signal(Signal::HUP);
    until(|| server.log().contains("the certificate was replaced")).await;
    boto3(&python, &server, &trusted, "buckets");
    server.stop_clean();
}
