//! A disk that is full: as the server sees it, the reserve being set above what is free, and a small one that really fills.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use s3_compat_tests::process::{self, Process};
use s3_compat_tests::server::{Home, Server};
use s3_compat_tests::sign::Request;
use s3_compat_tests::{body, tool};

use super::{Fixture, MIB, get, put};

/// A server that takes its disk for full.
fn full(home: Home) -> Server {
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_SPACE__RESERVE", "9000000000000000000");
    home.start_by(command)
}

#[tokio::test]
async fn on_a_full_disk_writes_are_refused_and_deletes_go_on() {
    let f = Fixture::new().await;
    let large = body::random(3 * MIB, 1);
    f.ok(&put("small", b"small"), b"small").await;
    f.ok(&put("large", &large), &large).await;
    let opened = f.ok(&Request::new("POST", "/bucket/upload").query("uploads=").body(b""), b"").await;
    let id = opened.split_once("<UploadId>").unwrap().1.split_once("</").unwrap().0.to_owned();
    let server = full(f.server.stop());

    let f = Fixture::on(server);
    for (key, body) in [("new", &b"new"[..]), ("small", b"other"), ("new", &large), ("large", &large)] {
        let (answer, said) = f.send(&put(key, body), body).await;
        assert_eq!(answer.status, 503, "{key}: {said}");
    }
    let part =
        Request::new("PUT", "/bucket/upload").query(&format!("partNumber=1&uploadId={id}")).body(&large);
    assert_eq!(f.send(&part, &large).await.0.status, 503);
    assert_eq!(f.ok(&get("small"), b"").await, "small");
    let (answer, _) = f.send(&Request::new("HEAD", "/bucket/large"), b"").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("3145728")));
    f.absent("new").await;
    f.ok(&Request::new("DELETE", "/bucket/upload").query(&format!("uploadId={id}")), b"").await;
    for key in ["small", "large"] {
        f.ok(&Request::new("DELETE", &format!("/bucket/{key}")), b"").await;
        f.absent(key).await;
    }
    let home = f.server.stop_clean();
    Fixture::on(home.start()).finish().await;
}

/// A file system in memory at the data directory of a home, seen only by what is run inside. It goes with the process that holds it.
struct SmallDisk {
    holder: Process,
}

impl SmallDisk {
    /// `None`, said aloud: this machine does not let a test mount anything.
    fn mount(home: &Home, mib: usize) -> Option<Self> {
        let unshare = tool::find("unshare", "unshare", &["-rm", "true"], |_| true)?;
        std::fs::create_dir(home.data()).unwrap();
        let script = format!("mount -t tmpfs -o size={mib}m tmpfs \"$1\" && echo mounted && exec sleep 600");
        let mut command = Command::new(unshare);
        command.args(["-rm", "sh", "-c", &script, "sh"]).arg(home.data()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let holder = Process::adopt(child);
        let mut said = String::new();
        BufReader::new(out).read_line(&mut said).unwrap();
        if said.trim() != "mounted" {
            tool::skipped("unshare", "a file system cannot be mounted in a namespace of one's own");
            return None;
        }
        Some(Self { holder })
    }

    /// A command of the binary that sees the disk. Nothing but `reserve` bytes are kept free.
    fn command(&self, home: &Home, reserve: &str, arguments: &[&str]) -> Command {
        let holder = self.holder.pid().as_raw_nonzero().to_string();
        let enter = ["nsenter", "-t", &holder, "-U", "-m", "--preserve-credentials"].map(OsStr::new);
        let mut command = home.wrapped(&enter, arguments);
        command.env("TERRACE_SPACE__RESERVE", reserve).env("TERRACE_RECLAIM__GRACE", "100ms");
        command
    }

    fn start(&self, home: Home, reserve: &str) -> Fixture {
        let command = self.command(&home, reserve, &["serve"]);
        Fixture::on(home.start_by(command))
    }

    fn assert_clean(&self, home: &Home) {
        let said = process::run(&mut self.command(home, "0", &["fsck"]), &home.scratch());
        assert!(said.status.success(), "{}\n{}", said.out, said.err);
    }
}

/// Writes objects of a size until one is refused; how many there are now.
async fn fill(f: &Fixture, name: &str, body: &[u8]) -> usize {
    for n in 0..10_000 {
        let (answer, said) = f.send(&put(&format!("{name}-{n}"), body), body).await;
        match answer.status {
            200 => {}
            503 => return n,
            status => panic!("{name}-{n}: {status} {said}"),
        }
    }
    panic!("the disk does not fill");
}

/// Nothing is kept free, so every write goes on until the system says that there is no space; then with a reserve, so that it comes first.
#[tokio::test]
async fn a_disk_that_really_fills_loses_nothing_and_takes_writes_again_once_there_is_room() {
    for reserve in ["0", "16MiB"] {
        let home = Home::new();
        let Some(disk) = SmallDisk::mount(&home, 288) else { return };
        let f = disk.start(home, reserve);
        f.ok(&Request::new("PUT", "/bucket").body(b""), b"").await;
        let (large, inline) = (body::random(3 * MIB, 1), body::random(MIB / 2, 2));
        let many = fill(&f, "large", &large).await;
        let more = fill(&f, "inline", &inline).await;
        assert!(many > 5, "{many} large objects, {more} small ones");
        let (answer, _) = f.send(&put("large-0", &large), &large).await;
        assert_eq!(answer.status, 503, "it is still full");

        for n in 0..many {
            assert_eq!(f.ok(&Request::new("HEAD", &format!("/bucket/large-{n}")), b"").await, "");
        }
        for n in 1..many {
            f.ok(&Request::new("DELETE", &format!("/bucket/large-{n}")), b"").await;
        }
        let mut tries = 0;
        while f.send(&put("again", &large), &large).await.0.status != 200 {
            tries += 1;
            assert!(tries < 600, "no room though {many} objects were deleted\n{}", f.server.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let home = f.server.stop();
        disk.assert_clean(&home);

        let f = disk.start(home, reserve);
        for n in 0..more {
            let (answer, _) = f.send(&Request::new("HEAD", &format!("/bucket/inline-{n}")), b"").await;
            assert_eq!((answer.status, answer.header("content-length")), (200, Some("524288")));
        }
        f.absent(&format!("inline-{more}")).await;
        f.absent("large-1").await;
        f.ok(&put("witness", b"alive"), b"alive").await;
        drop(f.server.stop());
    }
}
