//! What nobody names any more leaves the disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use s3_compat_tests::body;
use s3_compat_tests::http1::Connection;
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};
use walkdir::WalkDir;

use crate::kill::allocated;
use crate::writers::{create_bucket, exchange, open_upload, upload_part};

const LARGE: usize = 1_500_000;

/// A server whose reclaim waits for nothing, with a bucket, and a client of it.
struct Fixture {
    server: Server,
    signer: Signer,
    connection: Connection,
    fixed: BTreeSet<PathBuf>,
}

impl Fixture {
    async fn new() -> Self {
        let home = Home::new();
        let mut command = home.command(&["serve"]);
        command.env("TERRACE_RECLAIM__GRACE", "0s");
        let server = home.start_by(command);
        let fixed = entries(&long_term(&server));
        create_bucket(&server).await;
        let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
        let connection = Connection::open(server.address()).await.unwrap();
        Self { server, signer, connection, fixed }
    }

    async fn ok(&mut self, request: &Request, body: &[u8]) -> String {
        let (answer, said) = exchange(&mut self.connection, &self.signer, request, body).await.unwrap();
        assert!((200..300).contains(&answer.status), "{request:?}: {} {said}", answer.status);
        said
    }

    async fn put(&mut self, key: &str, seed: u64) {
        let body = body::random(LARGE, seed);
        self.ok(&Request::new("PUT", &format!("/bucket/{key}")).body(&body), &body).await;
    }

    /// Waits until there are `count` files beside those of an empty store; which is where it must come to rest.
    async fn settles_at(&self, count: usize) {
        let directory = long_term(&self.server);
        let mut files = Vec::new();
        for _ in 0..600 {
            files = self.blobs(&directory);
            if files.len() == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} files where {count} should be: {files:?}\n{}", files.len(), self.server.log());
    }

    fn blobs(&self, directory: &Path) -> Vec<PathBuf> {
        entries(directory).difference(&self.fixed).filter(|path| path.is_file()).cloned().collect()
    }
}

fn long_term(server: &Server) -> PathBuf {
    server.home().data().join("long-term")
}

/// Every file and folder below a directory; what goes while it is looked at is not there.
fn entries(directory: &Path) -> BTreeSet<PathBuf> {
    WalkDir::new(directory).into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path).collect()
}

#[tokio::test]
async fn after_everything_is_deleted_the_disk_is_as_it_was_before_the_first_object() {
    let mut f = Fixture::new().await;
    for n in 0..8 {
        f.put(&format!("large/{n}"), n).await;
    }
    let upload = open_upload(&mut f.connection, &f.signer, "parts").await.unwrap();
    let mut listed = String::new();
    for (number, size) in [(1, 5 << 20), (2, LARGE)] {
        let part = body::random(size, number);
        let tag = upload_part(&mut f.connection, &f.signer, ("parts", &upload, number), &part).await.unwrap();
        listed += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    let whole = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    let query = format!("uploadId={upload}");
    f.ok(&Request::new("POST", "/bucket/parts").query(&query).body(whole.as_bytes()), whole.as_bytes()).await;
    f.settles_at(10).await;

    for n in 0..8 {
        f.ok(&Request::new("DELETE", &format!("/bucket/large/{n}")), b"").await;
    }
    f.settles_at(2).await;
    f.ok(&Request::new("DELETE", "/bucket/parts"), b"").await;
    f.settles_at(0).await;
    f.ok(&Request::new("DELETE", "/bucket"), b"").await;
    let directory = long_term(&f.server);
    for _ in 0..600 {
        if entries(&directory) == f.fixed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(entries(&directory), f.fixed, "what is left of a deleted bucket");
    f.server.stop_clean();
}

#[tokio::test]
async fn twenty_overwrites_leave_one_blob_with_the_last_bytes() {
    let mut f = Fixture::new().await;
    for seed in 0..20 {
        f.put("again", seed).await;
    }
    f.settles_at(1).await;
    let found = crate::writers::read(&mut f.connection, &f.signer, "again").await;
    assert!(found == Some(body::random(LARGE, 19)), "not the bytes of the last write");
    // A small body over it needs no blob.
    f.ok(&Request::new("PUT", "/bucket/again").body(b"small"), b"small").await;
    f.settles_at(0).await;
    f.server.stop_clean();
}

#[tokio::test]
async fn an_aborted_upload_leaves_no_part() {
    let mut f = Fixture::new().await;
    let upload = open_upload(&mut f.connection, &f.signer, "parts").await.unwrap();
    for number in 1..=4 {
        let part = body::random(LARGE, number);
        upload_part(&mut f.connection, &f.signer, ("parts", &upload, number), &part).await.unwrap();
    }
    // The same part again: the one before is given up.
    let part = body::random(LARGE, 9);
    upload_part(&mut f.connection, &f.signer, ("parts", &upload, 4), &part).await.unwrap();
    f.settles_at(4).await;
    f.ok(&Request::new("DELETE", "/bucket/parts").query(&format!("uploadId={upload}")), b"").await;
    f.settles_at(0).await;
    f.server.stop_clean();
}

#[tokio::test]
async fn a_client_that_hangs_up_in_a_large_put_or_part_leaves_nothing() {
    let mut f = Fixture::new().await;
    let upload = open_upload(&mut f.connection, &f.signer, "parts").await.unwrap();
    let body = body::random(4 * LARGE, 1);
    let requests = [
        Request::new("PUT", "/bucket/broken").body(&body),
        Request::new("PUT", "/bucket/parts").query(&format!("partNumber=1&uploadId={upload}")).body(&body),
    ];
    for request in &requests {
        let mut connection = Connection::open(f.server.address()).await.unwrap();
        connection.send(f.signer.head(request).as_bytes()).await.unwrap();
        connection.send(&body[..3 * LARGE]).await.unwrap();
        // Its bytes are on the disk before the client goes.
        f.settles_at(1).await;
        drop(connection);
        f.settles_at(0).await;
    }
    assert_eq!(crate::writers::read(&mut f.connection, &f.signer, "broken").await, None);
    let parts = f.ok(&Request::new("GET", "/bucket/parts").query(&format!("uploadId={upload}")), b"").await;
    assert!(!parts.contains("<Part>"), "{parts}");
    f.server.stop_clean();
}

/// Nobody writes any more, so nothing but the gateway itself can see to it.
#[tokio::test]
async fn small_objects_leave_the_disk_too() {
    const MIB: u64 = 1 << 20;
    const OBJECTS: u64 = 100;
    let mut f = Fixture::new().await;
    let records = f.server.home().data().join("high-volume");
    for seed in 0..OBJECTS {
        let body = body::random(1 << 20, seed);
        f.ok(&Request::new("PUT", &format!("/bucket/{seed}")).body(&body), &body).await;
    }
    assert!(allocated(&records) > OBJECTS * MIB, "they are kept inline");
    for n in 0..OBJECTS {
        f.ok(&Request::new("DELETE", &format!("/bucket/{n}")), b"").await;
    }
    // A journal, and no more than what is left to lie (`LEAST` of tiers/high-volume/src/local/compact.rs).
    let bound = (64 + 8 + 4) * MIB;
    for _ in 0..1_800 {
        if allocated(&records) < bound {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left = allocated(&records);
    assert!(left < bound, "{left} bytes\n{}", f.server.log());
    f.server.stop_clean();
}
