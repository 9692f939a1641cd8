//! Killed or stopped under load.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::Client;
use s3_compat_tests::server::{Home, Server};
use tokio::time::Instant;
use walkdir::WalkDir;

use crate::dice::Dice;
use crate::load::{BUCKET, History, Mix, client, look, possible};

const CLIENTS: usize = 6;
const ROUNDS: usize = 12;
/// Acknowledged writes of a round before the server goes, and as many again at most.
const WRITES: usize = 60;

/// What an empty store may take up: journals of 64 MiB, allocated in pieces of 4 MiB, one memtable of bodies and one of rows on their way into
/// tables, and 8 MiB for tables, marks and what merges still owe.
const FIXED: u64 = (64 + 4 + 2 * 8 + 8) << 20;

const MIX: Mix = Mix { keys: 12, small: 60_000, large: 1 << 20, part: 5 << 20, two_parts: true };

/// With a grace time that a test can wait for, and no ballast.
pub(crate) fn start(home: Home) -> Server {
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_RECLAIM__GRACE", "500ms").env("TERRACE_SPACE__BALLAST", "0");
    home.start_by(command)
}

/// Writes until there are enough acknowledged writes, ends the server at some moment after that by `end`, and gives back its home.
async fn round(server: Server, history: &Arc<History>, dice: &mut Dice, end: fn(Server) -> Home) -> Home {
    let enough = history.acknowledged.load(Ordering::Relaxed) + (WRITES + dice.below(WRITES)) as u64;
    let mut clients = history.start(server.endpoint(), CLIENTS, (MIX, usize::MAX), dice);
    while history.acknowledged.load(Ordering::Relaxed) < enough {
        tokio::time::sleep(Duration::from_micros(100)).await;
        if let Some(ended) = clients.try_join_next() {
            panic!("a client ended before the server: {ended:?}");
        }
    }
    // In the middle of anything.
    tokio::time::sleep(Duration::from_micros(dice.next() % 20_000)).await;
    let home = tokio::task::block_in_place(|| end(server));
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().unwrap_err();
    }
    home
}

/// Ends servers on one directory again and again; each time all must be there.
async fn rounds(name: &str, count: usize, end: fn(Server) -> Home) -> Server {
    let mut dice = Dice::thrown(name);
    let history = Arc::new(History::default());
    let mut recovered = Vec::new();
    let mut server = start(Home::new());
    client(server.endpoint()).create_bucket().bucket(BUCKET).send().await.unwrap();
    for number in 0..count {
        let home = round(server, &history, &mut dice, end).await;
        home.assert_clean();
        let began = Instant::now();
        server = start(home);
        recovered.push(began.elapsed().as_millis());
        let possible = possible(&history.writes(), |_| true);
        let found = look(&client(server.endpoint()), &possible).await;
        let found = found.unwrap_or_else(|why| panic!("round {number}: {why}\n{}", server.log()));
        history.settle(found);
    }
    let writes = history.acknowledged.load(Ordering::Relaxed);
    println!("{name}: {count} rounds, {writes} acknowledged writes, starts took {recovered:?} ms");
    server
}

/// Bytes that the files of a directory take up on the disk.
pub(crate) fn allocated(directory: &Path) -> u64 {
    files(directory).iter().filter_map(|file| file.metadata().ok()).map(|file| file.blocks() * 512).sum()
}

/// The files of a directory; what goes while it is looked at is not there.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(directory).into_iter().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// Deletes every object and aborts every upload.
async fn delete_all(s3: &Client) {
    loop {
        let page = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        for object in page.contents() {
            s3.delete_object().bucket(BUCKET).key(object.key().unwrap()).send().await.unwrap();
        }
        if page.contents().is_empty() {
            break;
        }
    }
    let uploads = s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(uploads.is_truncated(), Some(false));
    for upload in uploads.uploads() {
        let abort = s3.abort_multipart_upload().bucket(BUCKET).key(upload.key().unwrap());
        abort.upload_id(upload.upload_id().unwrap()).send().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_kills_and_what_is_deleted_leaves_the_disk() {
    let server = rounds("kill -9", ROUNDS, Server::kill).await;
    for line in server.log().lines().filter(|line| line.contains("taken back")) {
        println!("recovery: {line}");
    }
    delete_all(&client(server.endpoint())).await;
    let data = server.home().data();
    let blobs = || files(&data.join("long-term"));
    for _ in 0..600 {
        if blobs().len() == 1 && allocated(&data) <= FIXED {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(blobs(), [data.join("long-term/terrace-deployment")], "{}", server.log());
    assert!(allocated(&data) <= FIXED, "{} bytes in {:?}", allocated(&data), files(&data));
    server.stop_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_stops_under_load() {
    let server = rounds("stop under load", 3, Server::stop).await;
    server.stop_clean();
}
