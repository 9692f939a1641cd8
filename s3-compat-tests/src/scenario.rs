//! A program that holds scenarios of an SDK: `program SCENARIO`, the server in its environment, `done` as its last word.

use std::process::Command;

use crate::process;
use crate::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};

/// What tells an SDK of an authority to trust: those of Python and Go, and Node.
const TRUST: [&str; 2] = ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// Runs one scenario to its end. Of a server that speaks https the SDK is told to trust its authority.
///
/// # Panics
/// If it fails, with all that it said, or does not say `done`.
#[track_caller]
pub fn run(command: &mut Command, scenario: &str, server: &Server) {
    let scratch = server.home().scratch();
    command
        .arg(scenario)
        .current_dir(&scratch)
        .env("ENDPOINT", server.endpoint())
        .env("ACCESS_KEY", ACCESS_KEY)
        .env("SECRET_KEY", SECRET_KEY)
        .env("REGION", REGION)
        .env("SCRATCH", &scratch)
        // The settings of whoever runs the tests must not reach the client.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    for variable in TRUST {
        if server.endpoint().starts_with("https:") {
            command.env(variable, server.home().authority());
        } else {
            command.env_remove(variable);
        }
    }
    let said = process::succeed(command, &scratch);
    assert!(said.lines().any(|line| line == "done"), "{said}");
}
