//! The binary under test, running.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::authority;
use crate::binary;
use crate::process::{self, Process, Said};

/// Access key of every server under test.
pub const ACCESS_KEY: &str = "TERRACETESTACCESSKEY";
/// Secret key of every server under test: not a secret.
pub const SECRET_KEY: &str = "test/secret+key/of/no/value/at/all000000";
/// Region of every server under test.
pub const REGION: &str = "us-east-1";

/// Deadline of a start or a stop: generous, since a debug binary may share two cores with other tests.
const DEADLINE: Duration = Duration::from_secs(60);

/// A folder that goes when the test ends: the server's data, its log, and room for the test's own files.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty one.
    ///
    /// # Panics
    /// If the system gives no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("terrace-test-").tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("scratch")).expect("a folder for the test");
        Self { folder }
    }

    /// The data directory given to the server; absent until its first start.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder for the test's own files.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// The certificate authority of a server that was [started secured](Server::start_secured): what its clients must trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.scratch().join("authority.pem")
    }

    /// The access log of a server that was [started secured](Server::start_secured).
    #[must_use]
    pub fn access_log(&self) -> PathBuf {
        self.scratch().join("access.log")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// A command of the binary, with the environment that a server of this home gets and nothing else of Terrace's.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.wrapped(&[], arguments)
    }

    /// As [`Home::command`], started by another program that then replaces itself with it (`strace -D` and its arguments).
    #[must_use]
    pub fn wrapped(&self, by: &[&OsStr], arguments: &[&str]) -> Command {
        let mut words = by.iter().copied().chain([binary::terrace().as_os_str()]);
        let mut command = Command::new(words.next().expect("the binary is the last word"));
        command
            .args(words)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("TERRACE_DATA_DIR", self.data())
            .env("TERRACE_SERVER__LISTEN", "127.0.0.1:0")
            .env("TERRACE_ADMIN__LISTEN", "127.0.0.1:0")
            .env("TERRACE_AUTH__ACCESS_KEY", ACCESS_KEY)
            .env("TERRACE_AUTH__SECRET_KEY", SECRET_KEY);
        command
    }

    /// Runs a subcommand of the binary to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Said {
        process::run(&mut self.command(arguments), &self.scratch())
    }

    /// Starts a server on this home.
    ///
    /// # Panics
    /// If it does not say where it listens within the deadline; the message carries its log.
    #[must_use]
    pub fn start(self) -> Server {
        let command = self.command(&["serve"]);
        self.start_by(command)
    }

    /// Starts a server by a command of the test's own making.
    ///
    /// # Panics
    /// As [`Home::start`].
    #[must_use]
    pub fn start_by(self, command: Command) -> Server {
        self.try_start_by(command).unwrap_or_else(|why| panic!("{why}"))
    }

    /// As [`Home::start_by`], where the server may refuse to start.
    ///
    /// # Errors
    /// All that it said, if it did not say where it listens within the deadline.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub fn try_start_by(self, mut command: Command) -> Result<Server, String> {
        let log = File::options().create(true).append(true).open(self.log()).expect("the server's log");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let said = lines(child.stdout.take().expect("standard output is a pipe"));
        let process = Process::adopt(child);
        let mut server = Server { process, home: Some(self), endpoint: String::new(), admin: String::new() };
        while server.endpoint.is_empty() || server.admin.is_empty() {
            let Ok(line) = said.recv_timeout(DEADLINE) else {
                return Err(format!("no address from {command:?}\n{}", server.log()));
            };
            if let Some(address) = line.strip_prefix("listening on ") {
                server.endpoint = address.trim().to_owned();
            } else if let Some(address) = line.strip_prefix("admin on ") {
                server.admin = address.trim().to_owned();
            }
        }
        Ok(server)
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// Every line of the server's output, read to the end so that the pipe never fills.
fn lines(from: ChildStdout) -> Receiver<String> {
    let (tell, said) = mpsc::channel();
    std::thread::Builder::new()
        .name("stdout".to_owned())
        .spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _nobody_listens = tell.send(line);
            }
        })
        .expect("a thread to read on");
    said
}

/// A running server. Killed and its home removed when dropped.
pub struct Server {
    // Dropped in this order: the process ends before its folder goes.
    process: Process,
    home: Option<Home>,
    endpoint: String,
    admin: String,
}

impl Server {
    /// A fresh server on an empty home.
    ///
    /// # Panics
    /// As [`Home::start`].
    #[must_use]
    pub fn start() -> Self {
        Home::new().start()
    }

    /// A fresh server with these settings, variables with their values.
    ///
    /// # Panics
    /// As [`Home::start`].
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let mut command = home.command(&["serve"]);
        command.envs(settings.iter().copied());
        home.start_by(command)
    }

    /// A fresh server with these settings that speaks https, its certificate by [`Home::authority`], and writes [`Home::access_log`].
    ///
    /// # Panics
    /// As [`Home::start`].
    #[must_use]
    pub fn start_secured(settings: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let made = authority::certify(&home.scratch());
        let mut command = home.command(&["serve"]);
        command
            .env("TERRACE_SERVER__TLS__CERT_FILE", made.certificate)
            .env("TERRACE_SERVER__TLS__KEY_FILE", made.key)
            .env("TERRACE_LOG__ACCESS_FILE", home.access_log())
            .envs(settings.iter().copied());
        home.start_by(command)
    }

    /// `http://127.0.0.1:PORT` of the S3 service (`https:` if it was given a certificate).
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// `127.0.0.1:PORT` of the S3 service.
    #[must_use]
    pub fn address(&self) -> &str {
        self.endpoint.split_once("://").map_or(&self.endpoint, |(_, address)| address)
    }

    /// `http://127.0.0.1:PORT` of the admin service.
    #[must_use]
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid().as_raw_nonzero().get()
    }

    /// Where it lives.
    ///
    /// # Panics
    /// Never: the home leaves only with the server.
    #[must_use]
    pub fn home(&self) -> &Home {
        self.home.as_ref().expect("a server has a home")
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home().log()).unwrap_or_default()
    }

    /// `true` while the process runs.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        self.process.wait(Duration::ZERO).is_none()
    }

    /// Asks it to stop (SIGTERM) and gives back its home. The exit code must be 0.
    ///
    /// # Panics
    /// If it does not stop within the deadline, or ends otherwise; the message carries its log.
    #[must_use]
    pub fn stop(mut self) -> Home {
        self.process.signal(Signal::TERM);
        self.stopped()
    }

    /// Waits for the end of a stop that the test has asked for itself (a second SIGTERM would cut it short). The exit code must be 0.
    ///
    /// # Panics
    /// As [`Server::stop`].
    #[must_use]
    pub fn stopped(mut self) -> Home {
        let status = self.ended();
        assert!(status.success(), "a graceful stop ends with {status}\n{}", self.log());
        self.leave()
    }

    /// Kills it (SIGKILL) and gives back its home.
    ///
    /// # Panics
    /// If the process is still there after the deadline.
    #[must_use]
    pub fn kill(mut self) -> Home {
        self.process.signal(Signal::KILL);
        self.ended();
        self.leave()
    }

    /// Waits until it ends by itself with this exit code; gives back its home, and what it has logged.
    ///
    /// # Panics
    /// If it goes on past the deadline, or ends otherwise; the message carries its log.
    #[must_use]
    pub fn failed(mut self, code: i32) -> (Home, String) {
        let status = self.ended();
        let log = self.log();
        assert_eq!(status.code(), Some(code), "{log}");
        (self.leave(), log)
    }

    /// Sends it a signal that it lives through.
    pub fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    fn ended(&mut self) -> ExitStatus {
        self.process
            .wait(DEADLINE)
            .unwrap_or_else(|| panic!("still running after {DEADLINE:?}\n{}", self.log()))
    }

    fn leave(mut self) -> Home {
        self.home.take().expect("a server has a home")
    }

    /// Stops it and proves that nothing was left behind: `terrace fsck` of its directory must be clean.
    ///
    /// # Panics
    /// If it does not stop, or `fsck` finds something; the message carries the report.
    pub fn stop_clean(self) -> Home {
        let home = self.stop();
        home.assert_clean();
        home
    }
}

impl Home {
    /// `terrace fsck` of the data directory exits with 0.
    ///
    /// # Panics
    /// If it does not; the message carries the report.
    pub fn assert_clean(&self) {
        assert_clean(&self.data(), self);
    }
}

/// `terrace fsck` of `data` exits with 0; `home` lends its scratch folder.
///
/// # Panics
/// If it does not; the message carries the report.
pub fn assert_clean(data: &Path, home: &Home) {
    let mut command = home.command(&["fsck", "--data-dir"]);
    let said = process::run(command.arg(data), &home.scratch());
    assert!(said.status.success(), "fsck of {}: {}\n{}\n{}", data.display(), said.status, said.out, said.err);
}
