//! The Java SDK of AWS, version 2: its plain client, and its asynchronous one, which moves large objects in parts.

use std::process::Command;

use s3_compat_tests::server::Server;
use s3_compat_tests::{process, tool};

use crate::program::{self, scenarios};

const PROGRAM: &str = "java/Scenarios.java";

/// The program with these options of the machine. Java compiles a single file by itself.
fn program(options: &[String]) -> Option<Command> {
    let java = tool::find("aws-sdk-java", "java", &["--version"], |_| true)?;
    let jars = program::libraries("java");
    if !jars.is_dir() {
        tool::skipped("aws-sdk-java", ".ci/clients has not installed it");
        return None;
    }
    let mut command = Command::new(java);
    command.args(options).arg("-cp").arg(jars.join("*")).arg(program::source(PROGRAM));
    Some(command)
}

fn scenario(name: &str) {
    if let Some(mut command) = program(&[]) {
        program::run(&mut command, name);
    }
}

scenarios! {
    attributes, conditions, copies, delete_objects, failures, many_keys, metadata, multipart, objects, odd_keys, presigned, ranges,
    transfers,
}

#[test]
fn every_scenario_of_the_program_is_a_test() {
    program::assert_defines(PROGRAM, "    static void ", "(S3Client s3) throws Exception {", SCENARIOS);
}

#[test]
fn over_tls() {
    for name in ["objects", "transfers"] {
        let server = Server::start_secured(&[]);
        // Java trusts who stands in a store of its own kind.
        let store = server.home().scratch().join("trusted.p12").to_str().unwrap().to_owned();
        let options = [
            format!("-Djavax.net.ssl.trustStore={store}"),
            "-Djavax.net.ssl.trustStorePassword=not a secret".to_owned(),
        ];
        let Some(mut command) = program(&options) else { return };
        let mut import = Command::new("keytool");
        import.args([
            "-importcert",
            "-noprompt",
            "-alias",
            "authority",
            "-storepass",
            "not a secret",
            "-keystore",
            &store,
            "-file",
        ]);
        process::succeed(import.arg(server.home().authority()), &server.home().scratch());
        program::run_on(server, &mut command, name, "HTTP/1.1");
    }
}
