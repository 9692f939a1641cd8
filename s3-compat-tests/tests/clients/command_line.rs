//! Command-line tools: found, pointed at a server of their own, run.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use s3_compat_tests::http1::{Answer, Connection};
use s3_compat_tests::process::{self, Process, Said};
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};
use s3_compat_tests::{body, tool};

use crate::files;
use crate::program::assert_spoke;

/// When the files of tests were last changed: long ago, for S3 keeps whole seconds and a file of this second looks newer than its upload.
const CHANGED: u64 = 1_700_000_000;

/// A tool and the server that it talks to.
pub(crate) struct Tool {
    server: Server,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Tool {
    /// A server for the program of this name, if `program probe` succeeds; if not, that has been reported as skipped.
    pub(crate) fn start(program: &str, probe: &str) -> Option<Self> {
        Self::start_with(program, probe, &[])
    }

    /// The same, the server with these settings.
    pub(crate) fn start_with(program: &str, probe: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let found = tool::find(program, program, &[probe], |_| true)?;
        Some(Self::of(found, Server::start_with(settings)))
    }

    /// The same, the server speaking https, by a certificate that no tool trusts of itself.
    pub(crate) fn start_secured(program: &str, probe: &str, settings: &[(&str, &str)]) -> Option<Self> {
        let found = tool::find(program, program, &[probe], |_| true)?;
        Some(Self::of(found, Server::start_secured(settings)))
    }

    /// A program that was found, and its server.
    pub(crate) fn of(program: PathBuf, server: Server) -> Self {
        let keys = [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];
        let places = [
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("TZ", "UTC"),
        ];
        let environment = keys.into_iter().chain(places).map(|(name, value)| (name, value.to_owned()));
        let tool = Self { program, arguments: Vec::new(), environment: environment.collect(), server };
        let home = tool.path("home");
        fs::create_dir(&home).unwrap();
        tool.environment("HOME", home.to_str().unwrap())
            .environment("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    }

    /// The certificate authority of a server that was started secured.
    pub(crate) fn authority(&self) -> String {
        self.server.home().authority().to_str().unwrap().to_owned()
    }

    /// Gives it this before all other arguments.
    pub(crate) fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Gives it this in its environment.
    pub(crate) fn environment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Its server.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// A path in the folder that the tool works in.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.server.home().scratch().join(name)
    }

    /// Its command with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(arguments).current_dir(self.server.home().scratch());
        // A setting of whoever runs the tests, which some tools refuse.
        command.env_remove("AWS_CA_BUNDLE");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it with these arguments; it must succeed. Gives its standard output.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        process::succeed(&mut self.command(arguments), &self.server.home().scratch())
    }

    /// Runs it with these arguments; it must succeed. Gives both its outputs.
    #[track_caller]
    pub(crate) fn said(&self, arguments: &[&str]) -> Said {
        let said = process::run(&mut self.command(arguments), &self.server.home().scratch());
        assert!(said.status.success(), "{arguments:?}: {}\n{}\n{}", said.status, said.out, said.err);
        said
    }

    /// Runs it with these arguments; it must fail. Gives what it said.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str]) -> Said {
        let said = process::run(&mut self.command(arguments), &self.server.home().scratch());
        assert!(!said.status.success(), "{arguments:?}: {}\n{}", said.out, said.err);
        said
    }

    /// Runs it with these arguments and the file `from` as standard input; what it writes to standard output goes to the file `to`.
    #[track_caller]
    pub(crate) fn piped(&self, arguments: &[&str], from: &str, to: &str) {
        let mut command = self.command(arguments);
        command.stdin(File::open(self.path(from)).unwrap()).stdout(File::create(self.path(to)).unwrap());
        command.stderr(File::create(self.path("piped.err")).unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let status = Process::adopt(child).wait(process::DEADLINE);
        assert!(
            status.is_some_and(|status| status.success()),
            "{arguments:?}: {status:?}: {}",
            self.text("piped.err")
        );
    }

    /// A file in the folder that the tool works in, as text.
    fn text(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.content(name)).into_owned()
    }

    /// Makes a bucket for a tool that makes none.
    #[track_caller]
    pub(crate) fn create_bucket(&self, name: &str) {
        self.send(&Request::new("PUT", &format!("/{name}")), b"");
    }

    /// Sends a request of the test's own, which must succeed; gives the answer and its body.
    #[track_caller]
    pub(crate) fn send(&self, request: &Request, body: &[u8]) -> (Answer, String) {
        let address = self.server.address();
        let (answer, said) =
            exchange(address, &Signer::new(address, ACCESS_KEY, SECRET_KEY).head(request), body);
        assert_eq!(answer.status, 200, "{said}");
        (answer, said)
    }

    /// Writes a file that was changed long ago.
    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        files::write(&self.path(name), content, 0o644, CHANGED);
    }

    /// Writes a small tree `source` with odd names, an empty file and one of 9 MiB.
    pub(crate) fn write_tree(&self) {
        self.write("source/a", b"a");
        self.write("source/empty", b"");
        self.write("source/sub/b +%2F.txt", b"b +%2F.txt");
        self.write("source/sub/ü/日本 🦀", "日本 🦀".as_bytes());
        self.write("source/large", &body::random(9 * 1024 * 1024, 1));
    }

    /// Writes 1,100 files below `many`, more than one page of a listing, and gives their names in order.
    pub(crate) fn write_many(&self) -> Vec<String> {
        let names: Vec<String> = (0..1100).map(|n| format!("file {n:04}")).collect();
        for name in &names {
            self.write(&format!("many/{name}"), name.as_bytes());
        }
        names
    }

    /// The content of a file in the folder that the tool works in.
    #[track_caller]
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Copies three files there by the command `put FILE URL` and back by `get URL FILE`: nothing, a small one and a large one.
    #[track_caller]
    pub(crate) fn there_and_back(&self, put: &[&str], get: &[&str], folder: &str) {
        for (name, size) in [("empty", 0), ("small", 1000), ("large", 20 * 1024 * 1024)] {
            self.write(name, &body::random(size, 1));
            let url = format!("{folder}/{name}");
            self.run(&[put, &[name, &url]].concat());
            self.run(&[get, &[&url, "back"]].concat());
            assert!(self.content("back") == self.content(name), "{name} came back changed");
        }
    }

    /// Stops the server and proves that its directory is sound.
    pub(crate) fn finish(self) {
        self.server.stop_clean();
    }

    /// The same of a server that was started secured: all requests came by this protocol (`HTTP/1.1`, `HTTP/2.0`).
    #[track_caller]
    pub(crate) fn finish_over_tls(self, protocol: &str) {
        assert_spoke(&self.server.stop_clean(), protocol);
    }
}

/// The answer to a request, and its body.
fn exchange(address: &str, head: &str, body: &[u8]) -> (Answer, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(address).await.unwrap();
        connection.send_request(head, body).await.unwrap();
        connection.receive_text().await.unwrap()
    })
}

/// Status and body of a GET of `url`, which must lead to this server.
pub(crate) fn fetch(server: &Server, url: &str) -> (u16, String) {
    let address = server.address();
    let path = url.trim().strip_prefix(server.endpoint()).unwrap_or_else(|| panic!("{url} leads elsewhere"));
    let (answer, body) = exchange(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"), b"");
    (answer.status, body)
}

/// A presigned URL that a tool made opens the object, with these bytes, and no other.
#[track_caller]
pub(crate) fn assert_opens(server: &Server, url: &str, key: &str, content: &str) {
    assert_eq!(fetch(server, url), (200, content.to_owned()), "{url}");
    let (status, said) = fetch(server, &url.replace(key, "other"));
    assert_eq!(status, 403, "{said}");
    assert!(said.contains("<Code>SignatureDoesNotMatch</Code>"), "{said}");
}

/// The MD5 of `content`, in hex.
pub(crate) fn md5_hex(content: &[u8]) -> String {
    format!("{:x}", md5::compute(content))
}
