//! The real binary: what it says, and with which code it ends.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The binary with nothing of the caller's settings.
fn terrace(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    command.args(arguments).current_dir(directory).env_clear().env("TERRACE_SPACE__BALLAST", "0");
    command.env("TERRACE_SERVER__LISTEN", "127.0.0.1:0").env("TERRACE_ADMIN__LISTEN", "127.0.0.1:0");
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    terrace(directory, arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    let parts = [&output.stdout[..], b"\n", &output.stderr[..]].concat();
    String::from_utf8(parts).unwrap()
}

/// A running gateway; killed when dropped.
struct Running {
    child: Child,
    s3: String,
    admin: String,
}

impl Running {
    fn start(directory: &Path) -> Self {
        let mut child = terrace(directory, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |start: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(start).unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        let (s3, admin) = (address("listening on http://"), address("admin on http://"));
        Self { child, s3, admin }
    }

    fn get(&self, address: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already where a test has ended it.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn it_runs_with_nothing_but_a_directory_and_stops_in_order_on_either_signal() {
    let directory = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let gateway = Running::start(directory.path());
        assert!(gateway.get(&gateway.admin).starts_with("HTTP/1.1 200"));
        let anonymous = gateway.get(&gateway.s3);
        assert!(anonymous.starts_with("HTTP/1.1 403") && anonymous.contains("<Code>AccessDenied</Code>"));
        assert_eq!(gateway.end(signal), Some(0));
        assert!(!directory.path().join("terrace-data/endpoint").exists());
    }
}

#[test]
fn generated_keys_outlive_a_restart_and_the_profile_names_the_running_endpoint() {
    let directory = tempfile::tempdir().unwrap();
    let before = said(&run(directory.path(), &["credentials"]));
    let gateway = Running::start(directory.path());
    let profile = said(&run(directory.path(), &["credentials"]));
    assert!(profile.starts_with("[profile terrace]\naws_access_key_id = TERR"), "{profile}");
    assert!(profile.contains(&format!("endpoint_url = http://{}\n", gateway.s3)), "{profile}");
    let keys = |text: &str| {
        text.lines().filter(|line| line.starts_with("aws_")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys(&before), keys(&profile));
    assert_eq!(gateway.end(Signal::TERM), Some(0));
}

#[test]
fn a_second_process_on_the_same_data_says_that_it_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Running::start(directory.path());
    // On the very port of the first, too: the data is what the operator must hear of.
    for listen in ["127.0.0.1:0", &gateway.s3] {
        let second = run(directory.path(), &["serve", "--listen", listen]);
        assert_eq!(second.status.code(), Some(1));
        assert!(said(&second).contains("in use by another process"), "{}", said(&second));
    }
    assert_eq!(gateway.end(Signal::TERM), Some(0));
}

#[test]
fn fsck_and_backup_work_on_a_running_a_stopped_and_a_killed_gateway() {
    let directory = tempfile::tempdir().unwrap();
    let clean = |arguments: &[&str]| {
        let output = run(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
    };
    let gateway = Running::start(directory.path());
    clean(&["fsck"]);
    clean(&["fsck", "--repair"]);
    clean(&["backup", "of-running"]);
    assert_eq!(gateway.end(Signal::KILL), None);
    assert!(directory.path().join("terrace-data/endpoint").exists(), "a killed gateway leaves it behind");
    clean(&["fsck"]);
    let gateway = Running::start(directory.path());
    assert_eq!(gateway.end(Signal::TERM), Some(0));
    clean(&["backup", "of-stopped"]);
    for copy in ["of-running", "of-stopped"] {
        clean(&["fsck", "--data-dir", copy]);
        let key = |data: &str| said(&run(directory.path(), &["credentials", "--data-dir", data]));
        assert_eq!(key(copy).lines().nth(1), key("terrace-data").lines().nth(1));
    }
    let again = run(directory.path(), &["backup", "of-stopped"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("not empty"), "{}", said(&again));
    let inside = run(directory.path(), &["backup", "terrace-data/copy"]);
    assert!(said(&inside).contains("lies in the data directory"), "{}", said(&inside));
    let nothing = run(directory.path(), &["fsck", "--data-dir", "nowhere"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(said(&nothing).contains("holds no data"), "{}", said(&nothing));
}

#[test]
fn wrong_settings_end_with_code_78_and_say_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |command: &mut Command, words: &[&str]| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        for word in words {
            assert!(said(&output).contains(word), "{word} is not in {}", said(&output));
        }
    };
    refused(terrace(directory.path(), &[]).env("TERRACE_SERVER__LISSTEN", "x"), &["TERRACE_SERVER__LISSTEN"]);
    refused(
        &mut terrace(directory.path(), &["--listen", "0.0.0.0:0"]),
        &["TERRACE_AUTH__ACCESS_KEY", "TERRACE_AUTH__SECRET_KEY"],
    );
    refused(
        terrace(directory.path(), &[]).env("TERRACE_HIGH_VOLUME__BACKEND", "fdb"),
        &["not in this build yet"],
    );
    std::fs::write(directory.path().join("bad.toml"), "[server]\nport = 1\n").unwrap();
    refused(&mut terrace(directory.path(), &["--config", "bad.toml"]), &["bad.toml", "line 2", "port"]);
    refused(&mut terrace(directory.path(), &["config", "check", "bad.toml"]), &["bad.toml", "line 2"]);
    assert!(!directory.path().join("terrace-data").exists(), "nothing is made before the settings are right");
}

#[test]
fn config_print_shows_what_is_in_effect_and_config_check_accepts_it() {
    let directory = tempfile::tempdir().unwrap();
    let output = terrace(directory.path(), &["config", "print", "--data-dir", "elsewhere"])
        .env("TERRACE_AUTH__ACCESS_KEY", "KEYKEY")
        .env("TERRACE_AUTH__SECRET_KEY", "sesame-open-sesame")
        .output()
        .unwrap();
    let printed = said(&output);
    assert!(
        printed.contains("data_dir = \"elsewhere\"") && printed.contains("listen = \"127.0.0.1:0\""),
        "{printed}"
    );
    assert!(!printed.contains("sesame"), "{printed}");
    std::fs::write(directory.path().join("printed.toml"), &output.stdout).unwrap();
    assert_eq!(run(directory.path(), &["config", "check", "printed.toml"]).status.code(), Some(0));
}
