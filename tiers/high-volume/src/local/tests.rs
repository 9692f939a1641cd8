use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;
use terrace_runtime::{ManualClock, Tasks};

use super::mark::{Found, Mark};
use super::{Durability, LocalKv, LocalOptions, OpenError, journal};
use crate::kv::{Begin, Kv, Version};
use crate::laws::model::{Model, steps};
use crate::laws::{Subject, failed, get, set};
use crate::mutation::Mutation;
use crate::range::{Key, KeyRange, RangeOptions, Read};
use crate::{KvError, KvErrorKind};

fn open_with(options: LocalOptions, clock: Arc<ManualClock>) -> Result<Arc<LocalKv>, OpenError> {
    LocalKv::open(options, clock, Tasks::new(), Arc::new(|cause| panic!("the engine failed: {cause:?}")))
}

pub(super) fn open(directory: &Path) -> Result<Arc<LocalKv>, OpenError> {
    open_with(LocalOptions::new(directory), Arc::new(ManualClock::at(1_700_000_000_000)))
}

pub(super) fn open_accepting_loss(directory: &Path) -> Result<Arc<LocalKv>, OpenError> {
    let options = LocalOptions { accept_loss: true, ..LocalOptions::new(directory) };
    open_with(options, Arc::new(ManualClock::at(1_700_000_000_000)))
}

fn subject_at(directory: TempDir, prefix: &'static [u8]) -> Subject {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let kv = open_with(LocalOptions::new(directory.path()), Arc::clone(&clock)).unwrap();
    Subject {
        kv,
        prefix: Bytes::from_static(prefix),
        pass: Box::new(move |time| {
            clock.advance(time);
            Box::pin(std::future::ready(()))
        }),
        keep: Box::new(directory),
    }
}

async fn subject(prefix: &'static [u8]) -> Subject {
    subject_at(tempfile::tempdir().unwrap(), prefix)
}

mod among_rows {
    crate::laws!(super::subject(b"law/"));
}

mod among_bodies {
    crate::laws!(super::subject(b"D"));
}

pub(super) fn key(name: &str) -> Key {
    Key::copy_from_slice(name.as_bytes())
}

async fn write(kv: &LocalKv, name: &str, value: impl Into<Bytes>) -> Result<Version, KvError> {
    let transaction = kv.begin(Begin::default()).await?;
    transaction.mutate(set(key(name), value));
    Ok(transaction.commit().await?.version)
}

pub(super) async fn value(kv: &LocalKv, name: &str) -> Option<Bytes> {
    get(&*kv.begin(Begin::default()).await.unwrap(), &key(name), Read::Snapshot).await.unwrap()
}

fn marked(directory: &Path) -> Found {
    Mark::open(directory).unwrap().1
}

/// What a crash of the process would leave of a directory that is in use.
pub(super) fn crashed(directory: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let left = tempfile::tempdir().unwrap();
    copy(directory, left.path());
    left
}

pub(super) fn last_journal(directory: &Path) -> PathBuf {
    journal::list(&directory.join("engine")).unwrap().pop().unwrap().path
}

pub(super) fn cut(path: &Path, len: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
}

fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 0x55;
    fs::write(path, bytes).unwrap();
}

/// A store with commits `one`, `two`, `three`: their versions, and where each ends in the journal.
struct Three {
    directory: TempDir,
    /// Open, as in a process that crashes.
    _kv: Arc<LocalKv>,
    commits: [(Version, u64); 3],
}

async fn three_commits() -> Three {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    let mut commits = [(Version(0), 0); 3];
    for (name, commit) in ["one", "two", "three"].into_iter().zip(&mut commits) {
        let version = write(&kv, name, vec![7; 3_000]).await.unwrap();
        let scan = journal::scan(&last_journal(directory.path())).unwrap();
        assert_eq!((scan.last, scan.torn), (Some(version), 0));
        *commit = (version, scan.whole);
    }
    Three { directory, _kv: kv, commits }
}

async fn holds(directory: &Path, names: &[&str]) {
    let kv = open(directory).unwrap();
    for name in ["one", "two", "three"] {
        assert_eq!(value(&kv, name).await.is_some(), names.contains(&name), "{name}");
    }
    assert!(write(&kv, "after", "x").await.unwrap() > Version(0));
    kv.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_opens_with_everything_and_versions_go_on_rising() {
    let directory = tempfile::tempdir().unwrap();
    let mut last = Version(0);
    for turn in 0..4_u8 {
        let kv = open_with(
            LocalOptions::new(directory.path()),
            Arc::new(ManualClock::at(1_000 - u64::from(turn))),
        )
        .unwrap();
        let reader = kv.begin(Begin::default()).await.unwrap();
        assert!(reader.read_version().await.unwrap() >= last);
        if turn > 0 {
            assert_eq!(value(&kv, "k").await.as_deref(), Some(&[turn - 1][..]));
            assert_eq!(value(&kv, "Dk").await.map(|body| body.len()), Some(70_000));
            assert_ne!(reader.catalog_version().await.unwrap(), Default::default());
        }
        let writer = kv.begin(Begin::default()).await.unwrap();
        writer.mutate(set(key("k"), vec![turn]));
        writer.mutate(set(key("Dk"), vec![turn; 70_000]));
        writer.mutate(Mutation::BumpCatalog);
        let commit = writer.commit().await.unwrap();
        assert!(commit.version > last);
        last = commit.version;
        kv.close().await.unwrap();
        // A transaction that nobody has dropped yet does not keep the directory.
        assert_eq!(failed(get(&*reader, &key("k"), Read::Snapshot).await), KvErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_acknowledged() {
    let three = three_commits().await;
    let left = crashed(three.directory.path());
    assert_eq!(marked(left.path()), Found::Version(three.commits[2].0));
    holds(left.path(), &["one", "two", "three"]).await;
}

#[tokio::test]
async fn a_torn_last_batch_that_was_never_acknowledged_is_cut_off_and_put_aside() {
    let three = three_commits().await;
    let [_, (second, end_of_second), (_, end_of_third)] = three.commits;
    for damage in ["cut", "flipped"] {
        let left = crashed(three.directory.path());
        Mark::open(left.path()).unwrap().0.settle(second).unwrap();
        match damage {
            "cut" => cut(&last_journal(left.path()), end_of_third - 10),
            _ => flip(&last_journal(left.path()), end_of_second + 100),
        }
        holds(left.path(), &["one", "two"]).await;
        let aside: Vec<_> = fs::read_dir(left.path().join("aside")).unwrap().collect();
        assert_eq!(aside.len(), 1, "{damage}");
        assert!(aside[0].as_ref().unwrap().metadata().unwrap().len() > 2_000);
        holds(left.path(), &["one", "two"]).await;
    }
}

#[tokio::test]
async fn a_journal_that_does_not_reach_the_mark_is_refused_and_left_as_it_is() {
    let three = three_commits().await;
    let [(first, end_of_first), (second, end_of_second), (third, end_of_third)] = three.commits;
    let whole_batches = [(end_of_first, first), (end_of_second, second)];
    for (len, above) in
        whole_batches.into_iter().chain([(end_of_third - 1, second), (end_of_first + 5, first)])
    {
        let left = crashed(three.directory.path());
        cut(&last_journal(left.path()), len);
        let before = fs::read(last_journal(left.path())).unwrap();
        let error = open(left.path()).map(|_| ()).unwrap_err();
        let said = format!(
            "journal damaged: commits above {} up to {} were acknowledged and are missing",
            above.0, third.0
        );
        assert_eq!(error.to_string(), said);
        assert!(matches!(error, OpenError::Damaged { .. }));
        assert_eq!(fs::read(last_journal(left.path())).unwrap(), before);
        // Refused again, until the loss is accepted; from then on the store is whole.
        assert!(open(left.path()).is_err());
        open_accepting_loss(left.path()).unwrap().close().await.unwrap();
        let kept: &[&str] = if above == first { &["one"] } else { &["one", "two"] };
        holds(left.path(), kept).await;
    }
}

#[tokio::test]
async fn damage_before_whole_batches_is_refused_even_when_the_mark_is_old() {
    let three = three_commits().await;
    let [(first, end_of_first), (_, _), (third, _)] = three.commits;
    let left = crashed(three.directory.path());
    // As after a loss of power: the mark is not synced.
    Mark::open(left.path()).unwrap().0.settle(first).unwrap();
    flip(&last_journal(left.path()), end_of_first + 100);
    match open(left.path()) {
        Err(OpenError::Damaged { above, to }) => assert_eq!((above, to), (first, third)),
        other => panic!("{:?}", other.map(|_| ())),
    }
    open_accepting_loss(left.path()).unwrap().close().await.unwrap();
    holds(left.path(), &["one"]).await;
}

#[tokio::test]
async fn a_journal_that_is_gone_is_refused() {
    let three = three_commits().await;
    let left = crashed(three.directory.path());
    fs::remove_file(last_journal(left.path())).unwrap();
    assert!(matches!(open(left.path()), Err(OpenError::Damaged { .. })));
    open_accepting_loss(left.path()).unwrap().close().await.unwrap();
    holds(left.path(), &[]).await;
}

#[tokio::test]
async fn a_gap_between_journals_is_refused() {
    let three = three_commits().await;
    let left = crashed(three.directory.path());
    let engine = left.path().join("engine");
    let last = last_journal(left.path());
    fs::copy(&last, engine.join("7.jnl")).unwrap();
    cut(&last, three.commits[0].1);
    assert!(matches!(open(left.path()), Err(OpenError::Damaged { .. })));
    open_accepting_loss(left.path()).unwrap().close().await.unwrap();
    holds(left.path(), &["one"]).await;
}

#[tokio::test]
async fn a_lost_mark_is_refused_until_the_loss_is_accepted() {
    let three = three_commits().await;
    for lose in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "?").unwrap()] {
        let left = crashed(three.directory.path());
        lose(&left.path().join("acknowledged"));
        assert!(matches!(open(left.path()), Err(OpenError::MarkLost)));
        open_accepting_loss(left.path()).unwrap().close().await.unwrap();
        holds(left.path(), &["one", "two", "three"]).await;
    }
}

#[tokio::test]
async fn a_second_open_is_refused_and_says_who_has_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    match open(directory.path()) {
        Err(OpenError::Locked { holder, .. }) => assert_eq!(holder, Some(std::process::id())),
        other => panic!("{:?}", other.map(|_| ())),
    }
    write(&kv, "k", "x").await.unwrap();
    kv.close().await.unwrap();
    open(directory.path()).unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_start_that_was_cut_off_while_it_made_the_database_begins_again() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("engine.new/keyspaces/1")).unwrap();
    fs::write(directory.path().join("acknowledged"), "").unwrap();
    let kv = open(directory.path()).unwrap();
    write(&kv, "k", "x").await.unwrap();
    kv.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_under_writes_opens_by_itself_and_is_consistent() {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    let writer = |name: &'static str| {
        let kv = &kv;
        async move {
            for turn in 0..120_u8 {
                let transaction = kv.begin(Begin::default()).await.unwrap();
                // Bodies large enough that fjall flushes and merges meanwhile.
                for chunk in 0..8 {
                    transaction.mutate(set(key(&format!("D{name}{turn}{chunk}")), vec![turn; 65_536]));
                }
                transaction.mutate(set(key(name), vec![turn]));
                transaction.mutate(set(key(&format!("D{name}")), vec![turn]));
                transaction.commit().await.unwrap();
            }
        }
    };
    let copies = async {
        let mut copies = Vec::new();
        for _ in 0..4 {
            let acknowledged = value(&kv, "a").await;
            let copy = tempfile::tempdir_in(directory.path()).unwrap();
            let version = kv.checkpoint(copy.path()).await.unwrap();
            copies.push((copy, version, acknowledged));
            tokio::task::yield_now().await;
        }
        copies
    };
    let (_, _, copies) = tokio::join!(writer("a"), writer("b"), copies);
    assert!(kv.checkpoint(copies[0].0.path()).await.is_err(), "the target was not empty");
    kv.close().await.unwrap();
    for (copy, version, acknowledged) in copies {
        let kv = open(copy.path()).unwrap();
        let reader = kv.begin(Begin::default()).await.unwrap();
        assert_eq!(reader.read_version().await.unwrap(), version);
        for name in ["a", "b"] {
            let (row, body) = (value(&kv, name).await, value(&kv, &format!("D{name}")).await);
            assert_eq!(row, body);
            for turn in 0..row.map_or(0, |row| row[0] + 1) {
                assert_eq!(value(&kv, &format!("D{name}{turn}7")).await, Some(vec![turn; 65_536].into()));
            }
        }
        assert!(value(&kv, "a").await >= acknowledged);
        write(&kv, "k", "x").await.unwrap();
        kv.close().await.unwrap();
    }
}

fn with_interval(directory: &Path, every: Duration) -> Arc<LocalKv> {
    let options = LocalOptions { durability: Durability::Interval(every), ..LocalOptions::new(directory) };
    let clock = Arc::new(terrace_runtime::SystemClock::new());
    LocalKv::open(options, clock, Tasks::new(), Arc::new(|cause| panic!("the engine failed: {cause:?}")))
        .unwrap()
}

#[tokio::test]
async fn with_an_interval_only_what_asks_for_it_is_synced_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let kv = with_interval(directory.path(), Duration::from_secs(86_400));
    let before = marked(directory.path());
    let plain = write(&kv, "one", "x").await.unwrap();
    assert_eq!(marked(directory.path()), before);
    let transaction = kv.begin(Begin { always_sync: true, ..Begin::default() }).await.unwrap();
    transaction.mutate(set(key("two"), "x"));
    let synced = transaction.commit().await.unwrap().version;
    assert!(synced > plain);
    assert_eq!(marked(directory.path()), Found::Version(synced));
    // What was not synced survives a crash of the process all the same.
    write(&kv, "three", "x").await.unwrap();
    assert_eq!(marked(directory.path()), Found::Version(synced));
    holds(crashed(directory.path()).path(), &["one", "two", "three"]).await;
    kv.close().await.unwrap();
    assert!(matches!(marked(directory.path()), Found::Version(version) if version > synced));
}

#[tokio::test]
async fn with_an_interval_an_idle_store_syncs_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let kv = with_interval(directory.path(), Duration::from_millis(5));
    let version = write(&kv, "one", "x").await.unwrap();
    while marked(directory.path()) != Found::Version(version) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    kv.close().await.unwrap();
}

#[tokio::test]
async fn a_range_goes_from_rows_through_bodies_to_rows() {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    let names = ["B", "C", "D", "D\0", "Dz", "E", "F"];
    let transaction = kv.begin(Begin::default()).await.unwrap();
    for name in names {
        transaction.mutate(set(key(name), Bytes::copy_from_slice(name.as_bytes())));
    }
    transaction.commit().await.unwrap();
    let reader = kv.begin(Begin::default()).await.unwrap();
    for (begin, end) in [("A", "Z"), ("C", "E"), ("D", "E"), ("D\0", "Dz"), ("C", "D"), ("Da", "F")] {
        for reverse in [false, true] {
            for limit in 1..9 {
                let options = RangeOptions { limit, reverse, read: Read::Snapshot };
                let page = reader.range(KeyRange::new(begin, end), options).await.unwrap();
                let mut expected: Vec<&str> =
                    names.into_iter().filter(|name| (begin..end).contains(name)).collect();
                if reverse {
                    expected.reverse();
                }
                assert_eq!(page.more, expected.len() >= limit);
                expected.truncate(limit);
                assert_eq!(page.rows.iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);
            }
        }
    }
    drop(reader);
    let transaction = kv.begin(Begin::default()).await.unwrap();
    transaction.mutate(Mutation::ClearRange { range: KeyRange::new("C", "Dz") });
    transaction.commit().await.unwrap();
    for (name, stays) in names.into_iter().zip([true, false, false, false, true, true, true]) {
        assert_eq!(value(&kv, name).await.is_some(), stays, "{name}");
    }
    kv.close().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn random_transactions_do_what_they_do_to_a_map_and_survive_a_restart(before in steps(), after in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let mut model = Model::default();
            for steps in [before, after, Vec::new()] {
                let clock = Arc::new(ManualClock::at(0));
                let subject = Subject {
                    kv: open_with(LocalOptions::new(directory.path()), clock).unwrap(),
                    prefix: Bytes::new(),
                    pass: Box::new(|_| unreachable!()),
                    keep: Box::new(()),
                };
                model.compare(&subject).await.unwrap();
                model.run(&subject, steps).await.unwrap();
                subject.kv.close().await.unwrap();
            }
        });
    }
}

/// Bytes of all files of fjall's keyspaces.
fn on_disk(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(facts) if facts.is_dir() => on_disk(&entry.path()),
        Ok(facts) if entry.path().extension().is_none() => facts.len(),
        // Gone meanwhile, or a journal.
        _ => 0,
    };
    entries.map(size).sum()
}

/// Steps until there is nothing to give back; whether there was anything. The first finds the traffic of the test.
async fn gave_back(kv: &LocalKv) -> bool {
    let (mut any, mut nothing) = (false, 0);
    while nothing < 2 {
        let did = kv.give_back().await.unwrap();
        any |= did;
        nothing = if did { 0 } else { nothing + 1 };
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    any
}

#[tokio::test]
async fn what_was_deleted_gives_its_space_back_once_little_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    let body = Bytes::from(vec![7; 60_000]);
    for n in 0..1_000 {
        write(&kv, &format!("D{n}"), body.clone()).await.unwrap();
    }
    assert!(!gave_back(&kv).await, "nothing was deleted");
    let full = on_disk(directory.path());

    let clear = async |from: usize, to: usize| {
        let transaction = kv.begin(Begin::default()).await.unwrap();
        (from..to).for_each(|n| transaction.mutate(Mutation::Clear { key: key(&format!("D{n}")) }));
        transaction.commit().await.unwrap();
    };
    clear(0, 50).await;
    assert!(!gave_back(&kv).await, "a small part of the whole is left");
    clear(50, 990).await;
    assert!(gave_back(&kv).await);
    let left = on_disk(directory.path());
    assert!(left + 55_000_000 < full, "{left} of {full} bytes, which had 59,400,000 of what was deleted");
    assert_eq!(value(&kv, "D989").await, None);
    for n in 990..1_000 {
        assert_eq!(value(&kv, &format!("D{n}")).await.as_ref(), Some(&body));
    }

    kv.close().await.unwrap();
    drop(kv);
    let kv = open(directory.path()).unwrap();
    assert_eq!((value(&kv, "D0").await, value(&kv, "D999").await), (None, Some(body)));
}
