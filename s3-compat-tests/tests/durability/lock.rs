//! One process a data directory, and keys that only its owner can read.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use s3_compat_tests::http1::Connection;
use s3_compat_tests::process::{self, Process};
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};

use crate::writers::{body_of, create_bucket, exchange, read, store};

#[tokio::test]
async fn a_second_process_is_refused_by_the_name_of_the_directory_and_the_first_goes_on() {
    let mut server = Server::start();
    create_bucket(&server).await;
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    for seed in 1..4 {
        let second = server.home().run(&["serve"]);
        assert_eq!(second.status.code(), Some(1), "{}\n{}", second.out, second.err);
        assert!(second.err.contains("in use by another process"), "{}", second.err);
        let directory = server.home().data();
        assert!(second.err.contains(directory.to_str().unwrap()), "the directory is not in {}", second.err);
        assert!(!second.out.contains("listening on"), "{}", second.out);

        assert!(server.runs());
        let mut connection = Connection::open(server.address()).await.unwrap();
        assert_eq!(store(&mut connection, &signer, "first", Some(seed)).await.unwrap(), 200);
        assert!(read(&mut connection, &signer, "first").await == Some(body_of(seed)));
    }
    server.stop_clean();
}

/// A gateway that generates its keys, with all that it says in files.
struct Keyless {
    process: Process,
    said: [PathBuf; 2],
    address: String,
}

impl Keyless {
    /// Logs as much as there is, to show that even that holds no secret.
    async fn start(home: &Home, name: &str) -> Self {
        let said = ["out", "err"].map(|stream| home.scratch().join(format!("{name}.{stream}")));
        let [out, err] = said.each_ref().map(|path| File::create(path).unwrap());
        let mut command = without_keys(home, &["serve"]);
        command.env("TERRACE_LOG__LEVEL", "trace").env("TERRACE_LOG__ACCESS", "info");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        let mut gateway = Self { process: Process::adopt(child), said, address: String::new() };
        while gateway.address.is_empty() {
            let out = std::fs::read_to_string(&gateway.said[0]).unwrap();
            let address = out.split_once("listening on http://").and_then(|(_, rest)| rest.split_once('\n'));
            gateway.address = address.map(|(address, _)| address.to_owned()).unwrap_or_default();
            assert!(gateway.process.wait(Duration::ZERO).is_none(), "it ended: {}", gateway.all());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        gateway
    }

    /// All that it said.
    fn all(&self) -> String {
        self.said.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    fn stop(mut self) -> String {
        self.process.signal(Signal::TERM);
        let status = self.process.wait(Duration::from_secs(60)).expect("a stop that ends");
        assert!(status.success(), "{status}: {}", self.all());
        self.all()
    }
}

fn without_keys(home: &Home, arguments: &[&str]) -> Command {
    let mut command = home.command(arguments);
    command.env_remove("TERRACE_AUTH__ACCESS_KEY").env_remove("TERRACE_AUTH__SECRET_KEY");
    command
}

fn value<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches([' ', '=']).trim_matches('"')
}

/// Puts an object with the keys, and fails to with a wrong secret.
async fn use_keys(address: &str, access: &str, secret: &str) {
    for (secret, expected) in [(secret, 200), ("not the secret", 403)] {
        let signer = Signer::new(address, access, secret);
        let request = Request::new("PUT", "/bucket").body(b"");
        let mut connection = Connection::open(address).await.unwrap();
        let (answer, said) = exchange(&mut connection, &signer, &request, b"").await.unwrap();
        let again = answer.status == 409 && said.contains("BucketAlreadyOwnedByYou");
        assert!(answer.status == expected || (expected == 200 && again), "{} {said}", answer.status);
    }
}

#[tokio::test]
async fn generated_keys_are_their_owners_alone_outlive_a_restart_and_are_never_said() {
    let home = Home::new();
    let kept = home.data().join("credentials");
    let mut before = None;
    for start in ["first", "second"] {
        let gateway = Keyless::start(&home, start).await;
        let file = std::fs::read_to_string(&kept).unwrap();
        let (access, secret) = (value(&file, "access_key"), value(&file, "secret_key"));
        assert_eq!((access.len(), secret.len()), (20, 40), "{start}");
        assert_eq!(mode(&kept), 0o600, "{start}");
        assert_eq!(mode(&home.data()) & 0o077, 0, "{start}");
        use_keys(&gateway.address, access, secret).await;
        let pair = (access.to_owned(), secret.to_owned());
        assert_eq!(*before.get_or_insert_with(|| pair.clone()), pair, "{start}: other keys");
        let said = gateway.stop();
        assert!(said.contains("SignatureDoesNotMatch") || said.contains("403"), "nothing is logged: {said}");
        assert!(!said.contains(secret), "{start}: the secret is in what it said");
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn another_address_without_keys_is_refused_and_makes_nothing() {
    let home = Home::new();
    let mut command = without_keys(&home, &["serve"]);
    command.env("TERRACE_SERVER__LISTEN", "0.0.0.0:0");
    let said = process::run(&mut command, &home.scratch());
    assert!(!said.status.success(), "{}", said.out);
    for name in ["0.0.0.0:0", "TERRACE_AUTH__ACCESS_KEY", "TERRACE_AUTH__SECRET_KEY"] {
        assert!(said.err.contains(name), "{name} is not in {}", said.err);
    }
    assert!(!home.data().join("credentials").exists());
}
