use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;

use super::*;
use crate::laws::{Subject, body, key, pattern, read as read_all};
use crate::{BlobErrorKind, PutOutcome};

fn options(directory: &Path) -> FilesystemOptions {
    FilesystemOptions { page: 10, ..FilesystemOptions::new(directory) }
}

fn no_fatal() -> Fatal {
    Arc::new(|what, error| panic!("{what}: {error}"))
}

async fn open(directory: &Path) -> FilesystemBlobs {
    FilesystemBlobs::open(options(directory), Tasks::new(), no_fatal()).await.unwrap()
}

fn temporary_files(directory: &Path) -> usize {
    fs::read_dir(directory.join("uploads")).unwrap().count()
}

async fn store_one(store: &FilesystemBlobs, key: &BlobKey, bytes: &Bytes) {
    store.put(key, body(bytes.clone(), 100_000), SizeHint::Exact(bytes.len() as u64)).await.unwrap();
}

async fn filesystem() -> Subject {
    let (directory, tasks) = (TempDir::new().unwrap(), Tasks::new());
    let root = directory.path().join("data").join("blobs");
    let store = FilesystemBlobs::open(options(&root), tasks.clone(), no_fatal()).await.unwrap();
    let seen = store.clone();
    Subject {
        store: Arc::new(store),
        settle: Box::new(move || {
            let tasks = tasks.clone();
            Box::pin(async move { tasks.join(Duration::from_secs(60)).await.unwrap() })
        }),
        leftovers: Box::new(move || temporary_files(&root) + seen.disk.under_way()),
        keep: Box::new(directory),
    }
}

crate::blob_store_laws!(filesystem);
crate::blob_store_local_laws!(filesystem);

#[tokio::test]
async fn blobs_and_the_marker_are_there_after_a_restart_and_temporary_files_are_not() {
    let directory = TempDir::new().unwrap();
    let (kept, bytes) = (key(1, "kept", 1), pattern(1_000_000, 1));
    {
        let store = open(directory.path()).await;
        store_one(&store, &kept, &bytes).await;
        store.bind([7; 16]).await.unwrap();
    }
    // What a process that was killed in the middle leaves: no put of this process knows of it.
    fs::write(directory.path().join("uploads").join("0000000000000001-00-1"), "half").unwrap();
    fs::write(directory.path().join("uploads").join("deployment-00"), "").unwrap();
    let store = open(directory.path()).await;
    assert_eq!(temporary_files(directory.path()), 0);
    assert_eq!(store.deployment().await.unwrap(), Some([7; 16]));
    let got = store.get(&kept, None).await.unwrap().unwrap();
    assert!(read_all(got.body).await.unwrap() == bytes);
    assert_eq!(store.list(1, None).await.unwrap().blobs.len(), 1);
}

#[tokio::test]
async fn a_truncated_or_altered_blob_is_corrupt_and_hides_no_other() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    let bytes = pattern(300_000, 1);
    let keys: Vec<_> = (0..6).map(|n| key(1, format!("{n}"), n)).collect();
    for key in &keys {
        store_one(&store, key, &bytes).await;
    }
    let path = |n: usize| store.disk.layout.blob(name_of(&keys[n]));
    let truncate =
        |n: usize, length| File::options().write(true).open(path(n)).unwrap().set_len(length).unwrap();
    truncate(0, 0);
    truncate(1, 299_999);
    let mut altered = fs::read(path(2)).unwrap();
    altered[300_000] ^= 1;
    fs::write(path(2), altered).unwrap();
    fs::copy(path(4), path(3)).unwrap();
    fs::write(directory.path().join("0000000000000001/00/README"), "not ours").unwrap();
    for key in &keys[..4] {
        for error in [store.get(key, Some(0..1)).await.err().unwrap(), store.head(key).await.err().unwrap()] {
            assert_eq!(error.kind(), BlobErrorKind::Corrupt, "{key:?}");
        }
    }
    let page = store.list(1, None).await.unwrap();
    assert_eq!(page.blobs.iter().map(|listed| &listed.key).collect::<Vec<_>>(), [&keys[4], &keys[5]]);
    let revs: Vec<_> = page.damaged.iter().map(|damaged| damaged.rev).collect();
    assert_eq!(revs, keys[..4].iter().map(|key| key.rev).collect::<Vec<_>>());
    store.delete(&BlobKey { key: Bytes::new(), ..keys[0].clone() }).await.unwrap();
    assert_eq!(store.list(1, None).await.unwrap().damaged.len(), 3);
}

#[tokio::test]
async fn a_blob_that_becomes_shorter_while_it_is_read_ends_with_an_error() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    let (key, bytes) = (key(1, "short", 1), pattern(3_000_000, 1));
    store_one(&store, &key, &bytes).await;
    let mut got = store.get(&key, None).await.unwrap().unwrap();
    File::options()
        .write(true)
        .open(store.disk.layout.blob(name_of(&key)))
        .unwrap()
        .set_len(1_000_000)
        .unwrap();
    let mut seen = 0;
    let error = loop {
        match got.body.next().await.expect("a short end") {
            Ok(chunk) => seen += chunk.len(),
            Err(error) => break error,
        }
    };
    assert!(seen <= 1_000_000);
    assert_eq!(error.source.downcast::<BlobError>().unwrap().kind(), BlobErrorKind::Corrupt);
    assert!(got.body.next().await.is_none());
}

#[tokio::test]
async fn a_list_page_may_be_full_of_damaged_blobs() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    let shard = directory.path().join("0000000000000001/05");
    fs::create_dir_all(&shard).unwrap();
    for n in 0..25_u32 {
        fs::write(shard.join(format!("{:032x}", (n << 8) | 5)), "junk").unwrap();
    }
    let (mut damaged, mut after) = (0, None);
    loop {
        let page = store.list(1, after).await.unwrap();
        damaged += page.damaged.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(damaged, 25);
}

/// A store whose fsync number `fails_at` fails with `errno`, and how often the owner was told to stop.
async fn with_failing_sync(
    directory: &Path,
    fails_at: usize,
    errno: rustix::io::Errno,
) -> (FilesystemBlobs, Arc<AtomicUsize>) {
    let (calls, told) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let sync: Sync = Arc::new(move |file| {
        if calls.fetch_add(1, Ordering::SeqCst) == fails_at { Err(errno.into()) } else { file.sync_all() }
    });
    let count = Arc::clone(&told);
    let fatal: Fatal = Arc::new(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let store = FilesystemBlobs::open_with(options(directory), Tasks::new(), fatal, sync).await.unwrap();
    (store, told)
}

#[tokio::test]
async fn an_fsync_that_fails_stops_the_process_unless_for_lack_of_space() {
    use rustix::io::Errno;
    let (key, bytes) = (key(1, "sync", 1), pattern(700_000, 1));
    // Opening syncs the new directory `uploads`; a first put the file, the root, the bucket, and the directory of the blob.
    for (fails_at, outcome) in
        (1..5).zip([PutOutcome::Settled, PutOutcome::Settled, PutOutcome::Settled, PutOutcome::Unknown])
    {
        for (errno, kind, stops) in
            [(Errno::IO, BlobErrorKind::Unavailable, 1), (Errno::NOSPC, BlobErrorKind::NoSpace, 0)]
        {
            let directory = TempDir::new().unwrap();
            let (store, told) = with_failing_sync(directory.path(), fails_at, errno).await;
            let error = store.put(&key, body(bytes.clone(), 9_999), SizeHint::AtLeast(0)).await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (kind, outcome), "fsync {fails_at}");
            assert_eq!(told.load(Ordering::SeqCst), stops, "fsync {fails_at}, {errno}");
            assert_eq!(temporary_files(directory.path()), 0);
            assert_eq!(store.head(&key).await.unwrap().is_some(), outcome == PutOutcome::Unknown);
            store.delete(&key).await.unwrap();
            store_one(&store, &key, &bytes).await;
            assert!(store.head(&key).await.unwrap().is_some());
        }
    }
}

/// Runs itself again under a shell that limits the size of a file to 1 MiB and ignores the signal that comes with it: the limit is
/// one of the whole process, and only a shell can set both without unsafe code.
#[tokio::test]
async fn a_put_beyond_the_space_is_settled_and_leaves_nothing() {
    if getrlimit(Resource::Fsize).current.is_none() {
        let this = std::env::current_exe().unwrap();
        let name = "filesystem::tests::a_put_beyond_the_space_is_settled_and_leaves_nothing";
        let script = format!("trap '' XFSZ; ulimit -f 2048; exec \"$0\" --exact {name} --nocapture");
        let output = std::process::Command::new("sh").arg("-c").arg(script).arg(this).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    let limit = usize::try_from(getrlimit(Resource::Fsize).current.unwrap()).unwrap();
    let (large, small) = (key(1, "large", 1), key(1, "small", 2));
    for size in [limit, limit + 1, limit * 3] {
        let put = store.put(&large, body(pattern(size, 1), 300_000), SizeHint::Exact(size as u64));
        let error = put.await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (BlobErrorKind::NoSpace, PutOutcome::Settled));
        assert_eq!(temporary_files(directory.path()), 0);
        assert!(store.head(&large).await.unwrap().is_none());
    }
    let bytes = pattern(limit / 2, 2);
    store_one(&store, &small, &bytes).await;
    store.delete(&small).await.unwrap();
}

#[tokio::test]
async fn a_key_that_fits_no_footer_is_refused() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    for name in [Bytes::new(), Bytes::from(vec![b'k'; 1_025])] {
        let key = key(1, name, 1);
        let put = store.put(&key, Box::pin(stream::empty()), SizeHint::Exact(0));
        assert_eq!(put.await.unwrap_err().kind(), BlobErrorKind::Bug);
    }
}

#[tokio::test]
async fn a_directory_that_went_away_is_unavailable_and_not_empty() {
    let directory = TempDir::new().unwrap();
    let root = directory.path().join("blobs");
    let store = open(&root).await;
    store.bind([1; 16]).await.unwrap();
    fs::remove_dir_all(&root).unwrap();
    assert_eq!(store.deployment().await.unwrap_err().kind(), BlobErrorKind::Unavailable);
    assert_eq!(store.buckets().await.unwrap_err().kind(), BlobErrorKind::Unavailable);
    let key = key(1, "x", 1);
    let put = store.put(&key, Box::pin(stream::empty()), SizeHint::Exact(0));
    assert_eq!(put.await.unwrap_err().kind(), BlobErrorKind::Unavailable);
}

#[tokio::test]
async fn empty_directories_that_somebody_removed_are_made_again() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    let (key, bytes) = (key(1, "x", 1), pattern(10, 1));
    for _ in 0..2 {
        store_one(&store, &key, &bytes).await;
        store.delete(&key).await.unwrap();
        fs::remove_dir(directory.path().join("0000000000000001/01")).unwrap();
        fs::remove_dir(directory.path().join("0000000000000001")).unwrap();
    }
}

#[tokio::test]
async fn a_marker_that_is_not_an_id_is_corrupt_and_not_replaced() {
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await;
    fs::write(directory.path().join("terrace-deployment"), "hello\n").unwrap();
    assert_eq!(store.deployment().await.unwrap_err().kind(), BlobErrorKind::Corrupt);
    assert_eq!(store.bind([1; 16]).await.unwrap_err().kind(), BlobErrorKind::Corrupt);
    assert_eq!(fs::read(directory.path().join("terrace-deployment")).unwrap(), b"hello\n");
}

#[tokio::test]
async fn a_dropped_put_removes_its_temporary_file_without_a_delete() {
    let (directory, tasks) = (TempDir::new().unwrap(), Tasks::new());
    let store = FilesystemBlobs::open(options(directory.path()), tasks.clone(), no_fatal()).await.unwrap();
    let stalled: BlobBody = Box::pin(body(pattern(1_000_000, 1), 600_000).chain(stream::pending()));
    let key = key(1, "x", 1);
    let mut put = store.put(&key, stalled, SizeHint::AtLeast(0));
    while temporary_files(directory.path()) == 0 {
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut put).await.is_err());
    }
    drop(put);
    tasks.join(Duration::from_secs(60)).await.unwrap();
    assert_eq!((temporary_files(directory.path()), store.disk.under_way()), (0, 0));
}

#[tokio::test]
async fn a_put_that_was_taken_back_makes_no_file_and_takes_no_name() {
    let directory = TempDir::new().unwrap();
    let deleting: Arc<std::sync::OnceLock<(Arc<Disk>, BlobKey)>> = Arc::default();
    let between = Arc::clone(&deleting);
    // The delete comes after the put has looked whether it may land, while its file is being synced.
    let sync: Sync = Arc::new(move |file| {
        if let Some((disk, key)) = between.get()
            && file.metadata()?.is_file()
        {
            disk.delete(name_of(key)).unwrap();
        }
        file.sync_all()
    });
    let store =
        FilesystemBlobs::open_with(options(directory.path()), Tasks::new(), no_fatal(), sync).await.unwrap();
    let key = key(1, "x", 1);
    let id = store.disk.begin(name_of(&key));
    store.disk.delete(name_of(&key)).unwrap();
    store.disk.create(id).unwrap_err();
    assert_eq!(temporary_files(directory.path()), 0);
    assert!(deleting.set((Arc::clone(&store.disk), key.clone())).is_ok());
    let error = store.put(&key, body(pattern(10, 1), 10), SizeHint::Exact(10)).await.unwrap_err();
    assert!(std::error::Error::source(&error).is_none(), "not an error of the file system: {error:?}");
    assert!(store.head(&key).await.unwrap().is_none());
    assert_eq!((temporary_files(directory.path()), store.disk.under_way()), (0, 0));
}

#[test]
fn a_put_dropped_outside_a_runtime_leaves_only_what_the_next_open_removes() {
    let directory = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(open(directory.path()));
    let stalled: BlobBody = Box::pin(body(pattern(1_000_000, 1), 600_000).chain(stream::pending()));
    let key = key(1, "x", 1);
    let mut put = store.put(&key, stalled, SizeHint::AtLeast(0));
    runtime.block_on(async {
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut put).await.is_err());
    });
    drop(put);
    assert_eq!(temporary_files(directory.path()), 1);
    runtime.block_on(store.delete(&key)).unwrap();
    assert_eq!((temporary_files(directory.path()), store.disk.under_way()), (0, 0));
}
