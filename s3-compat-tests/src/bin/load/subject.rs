//! A server under measurement.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use s3_compat_tests::binary;
use s3_compat_tests::environment;
use s3_compat_tests::process::Process;
use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY};
use s3_compat_tests::sign::{Request, Signer};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::client::{Client, Expect};
use crate::{Outcome, Settings};

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// What the tables call it.
    pub(crate) name: String,
    command: Option<String>,
}

impl FromStr for Recipe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, command)) => Ok(Self { name: name.to_owned(), command: Some(command.to_owned()) }),
            None if ["terrace", "versitygw", "s3s-fs", "floor"].contains(&text) => {
                Ok(Self { name: text.to_owned(), command: None })
            }
            None => Err("terrace, versitygw, s3s-fs, floor or NAME=COMMAND".to_owned()),
        }
    }
}

impl Recipe {
    /// The command line for `sh`.
    fn line(&self) -> Outcome<String> {
        if let Some(command) = &self.command {
            return Ok(command.clone());
        }
        let installed = || {
            let found = environment::on_path(&self.name).into_iter().next();
            found.ok_or_else(|| format!("no {} on the path", self.name))
        };
        Ok(match self.name.as_str() {
            "terrace" => format!("{} serve", binary::terrace().display()),
            "floor" => format!("{} floor 127.0.0.1:{{port}} {{data}}", std::env::current_exe()?.display()),
            "versitygw" => format!(
                "{} --access {{access_key}} --secret {{secret_key}} --port 127.0.0.1:{{port}} --keep-alive --quiet posix {{data}}",
                installed()?.display()
            ),
            _ => format!(
                "{} --host 127.0.0.1 --port {{port}} --access-key {{access_key}} --secret-key {{secret_key}} {{data}}",
                installed()?.display()
            ),
        })
    }
}

/// Keeps the calling thread, and the threads and processes that it starts, on one core.
///
/// # Errors
/// If there is no such core.
pub(crate) fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// A server that answers.
pub(crate) struct Subject {
    // Dropped in this order: the process ends before its folder goes.
    _process: Option<Process>,
    _data: Option<TempDir>,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// Its process.
    pub(crate) pid: i32,
    /// Signs for it.
    pub(crate) signer: Signer,
    /// From the start of its process to its first good answer.
    pub(crate) start: Option<Duration>,
}

impl Subject {
    /// A server that somebody else started.
    pub(crate) fn running(address: &str, pid: i32, access_key: &str, secret_key: &str) -> Self {
        let signer = Signer::new(address, access_key, secret_key);
        Self { _process: None, _data: None, address: address.to_owned(), pid, signer, start: None }
    }

    /// Starts a server on an empty folder and waits for its first good answer. `wrapper`: what to write in front of its command.
    ///
    /// # Errors
    /// If it cannot be started, or does not answer within a minute.
    pub(crate) async fn start(recipe: &Recipe, settings: &Settings, wrapper: &str) -> Outcome<Self> {
        let data = tempfile::Builder::new().prefix("load-").tempdir_in(&settings.data)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = data.path().join("data");
        std::fs::create_dir(&folder)?;
        let mut command = command(&(wrapper.to_owned() + &recipe.line()?), &folder, port);
        let log = File::create(data.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let began = Instant::now();
        let core = settings.server_core;
        // A child inherits the core of the thread that starts it.
        let starter = std::thread::Builder::new().name("start".to_owned());
        let child = starter.spawn(move || pin(core).and_then(|()| command.spawn()))?.join();
        let process = Process::adopt(child.map_err(|_| "the starting thread ended")??);
        let mut subject = Self::running(
            &format!("127.0.0.1:{port}"),
            process.pid().as_raw_nonzero().get(),
            ACCESS_KEY,
            SECRET_KEY,
        );
        (subject._process, subject._data) = (Some(process), Some(data));
        while !subject.answers().await {
            if began.elapsed() > Duration::from_secs(60) {
                return Err(format!("{} does not answer", recipe.name).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        subject.start = Some(began.elapsed());
        Ok(subject)
    }

    async fn answers(&self) -> bool {
        let Ok(mut client) = Client::open(self).await else { return false };
        client.exchange(&Request::new("GET", "/"), b"", Expect::Any).await.is_ok()
    }
}

fn command(line: &str, data: &Path, port: u16) -> Command {
    let line = line
        .replace("{data}", &data.display().to_string())
        .replace("{port}", &port.to_string())
        .replace("{access_key}", ACCESS_KEY)
        .replace("{secret_key}", SECRET_KEY);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("exec {line}")])
        .env("TERRACE_DATA_DIR", data)
        .env("TERRACE_SERVER__LISTEN", format!("127.0.0.1:{port}"))
        .env("TERRACE_ADMIN__LISTEN", "127.0.0.1:0")
        .env("TERRACE_AUTH__ACCESS_KEY", ACCESS_KEY)
        .env("TERRACE_AUTH__SECRET_KEY", SECRET_KEY);
    command
}
