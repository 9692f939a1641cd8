//! Loss of power: what the real binary wrote, synced and answered is recorded from outside; then the disk is put back to what a loss of power at any
//! moment may have left, and a gateway started on it. Whatever was acknowledged by then must be there.

mod disk;
mod recording;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_compat_tests::process;
use s3_compat_tests::server::Home;
use s3_compat_tests::tool;
use tokio::task::JoinSet;
use walkdir::WalkDir;

use self::disk::Unsynced;
use self::recording::Recording;
use crate::dice::Dice;
use crate::load::{BUCKET, History, Mix, Write, client, look, possible};
use crate::strace;

const CLIENTS: usize = 6;
const WRITES: usize = 30;
const CUTS: usize = 200;
/// Gateways at a time.
const AT_ONCE: usize = 2;

const INLINE_MAX: &str = "8KiB";
const MIX: Mix = Mix { keys: 5, small: 6_000, large: 9_000, part: 0, two_parts: false };

/// A recorded run, and what its clients know.
struct Run {
    recording: Recording,
    writes: BTreeMap<String, Vec<Write>>,
    /// Line of the answer that made the bucket.
    bucket: usize,
}

/// What the power leaves is below this directory; the data directory is made in it.
fn disk_of(home: &Home) -> PathBuf {
    home.scratch().join("disk")
}

fn settings(command: &mut Command, home: &Home) {
    command
        .env("TERRACE_DATA_DIR", disk_of(home).join("data"))
        .env("TERRACE_HIGH_VOLUME__INLINE_MAX", INLINE_MAX)
        .env("TERRACE_SPACE__BALLAST", "0")
        .env("TERRACE_RECLAIM__GRACE", "200ms");
}

/// Records a gateway under load from its first start to its stop; `None` without strace.
async fn record(dice: &mut Dice, planted: bool) -> Option<Run> {
    let probe = ["--seccomp-bpf", "-f", "-e", "trace=write", "true"];
    let strace = tool::find("strace", "strace", &probe, |_| true)?;
    let home = Home::new();
    std::fs::create_dir(disk_of(&home)).unwrap();
    let trace = home.scratch().join("trace");
    let words = ["-D", "-f", "--seccomp-bpf", "-s", "1000000", "-e", recording::TRACED, "-o"].map(OsStr::new);
    let words = [&[strace.as_os_str()], &words[..], &[trace.as_os_str()]].concat();
    let mut command = home.wrapped(&words, &["serve"]);
    settings(&mut command, &home);
    if planted {
        command.env("TERRACE_TEST_PLANT", "answer-before-sync");
    }
    let server = home.start_by(command);
    if planted && !server.log().contains("a bug is planted") {
        tool::skipped("planted-bugs", "the binary is built without them");
        return None;
    }
    let s3 = client(server.endpoint());
    let bucket = s3.create_bucket().bucket(BUCKET).send().await.unwrap();
    let bucket = aws_sdk_s3::operation::RequestId::request_id(&bucket).unwrap().to_owned();
    let history = Arc::new(History::default());
    let mut clients = history.start(server.endpoint(), CLIENTS, (MIX, WRITES), dice);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().unwrap();
    }
    let home = tokio::task::block_in_place(|| server.stop());
    let calls = ended(&trace).await;
    let recording = recording::read(calls, &disk_of(&home));
    assert_whole(&recording, &home);
    let bucket = recording.answers[&bucket];
    Some(Run { recording, writes: history.writes(), bucket })
}

/// strace writes its last lines after the server has gone.
async fn ended(trace: &Path) -> Vec<strace::Call> {
    for _ in 0..600 {
        let text = std::fs::read_to_string(trace).unwrap();
        if text.trim_end().ends_with("+++ exited with 0 +++") {
            return strace::parse(&text);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the recording has no end")
}

/// The recording holds all that was written: played to its end it makes the files that are there.
fn assert_whole(recording: &Recording, home: &Home) {
    let copy = home.scratch().join("copy");
    std::fs::create_dir(&copy).unwrap();
    recording.disk.restore(usize::MAX, &mut Unsynced::Kept, &copy);
    let (expected, found) = (files(&disk_of(home)), files(&copy));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, bytes) in expected {
        assert!(found[&name] == bytes, "{name}: {} bytes recorded of {}", found[&name].len(), bytes.len());
    }
}

/// Name and bytes of every file, and the names of the directories.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = WalkDir::new(directory).into_iter().map(Result::unwrap);
    let entry = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
        let bytes =
            if entry.file_type().is_file() { std::fs::read(entry.path()).unwrap() } else { Vec::new() };
        (name, bytes)
    };
    entries.map(entry).collect()
}

/// Where the power goes, and what it leaves: half of the moments are those at which an answer has just begun to leave.
fn cuts(run: &Run, count: usize, dice: &mut Dice) -> Vec<(usize, Unsynced)> {
    let answers: Vec<usize> =
        run.recording.answers.values().copied().filter(|at| *at >= run.bucket).collect();
    let cut = |number: usize| {
        let line = match number % 4 {
            0 | 1 => answers[dice.below(answers.len())] + 1,
            _ => run.bucket + 1 + dice.below(run.recording.lines - run.bucket),
        };
        let unsynced = if number % 2 == 0 { Unsynced::Lost } else { Unsynced::Random(dice.fork()) };
        (line, unsynced)
    };
    (0..count).map(cut).collect()
}

/// Starts a gateway on what the power left.
///
/// # Errors
/// What is not as it must be.
async fn survives(run: &Run, cut: usize, mut unsynced: Unsynced) -> Result<(), String> {
    let home = Home::new();
    std::fs::create_dir(disk_of(&home)).unwrap();
    run.recording.disk.restore(cut, &mut unsynced, &disk_of(&home));
    let mut command = home.command(&["serve"]);
    settings(&mut command, &home);
    let mut fsck = home.command(&["fsck"]);
    settings(&mut fsck, &home);
    let scratch = home.scratch();
    let server = tokio::task::block_in_place(|| home.try_start_by(command))?;
    let left = |id: &str| run.recording.answers.get(id).is_some_and(|at| *at < cut);
    look(&client(server.endpoint()), &possible(&run.writes, left)).await?;
    let said = tokio::task::block_in_place(|| process::run(&mut fsck, &scratch));
    if !said.status.success() {
        return Err(format!("fsck: {}\n{}", said.out, said.err));
    }
    let _home = tokio::task::block_in_place(|| server.kill());
    Ok(())
}

/// Every loss that is found among `count` moments.
async fn losses(run: Run, count: usize, dice: &mut Dice) -> Vec<String> {
    let cuts = Arc::new(Mutex::new(cuts(&run, count, dice)));
    let run = Arc::new(run);
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (cuts, run) = (Arc::clone(&cuts), Arc::clone(&run));
        workers.spawn(async move {
            let mut losses = Vec::new();
            loop {
                let Some((cut, unsynced)) = cuts.lock().unwrap().pop() else { return losses };
                let how = format!("power lost before line {cut} ({unsynced:?})");
                if let Err(why) = survives(&run, cut, unsynced).await {
                    losses.push(format!("{how}: {why}"));
                }
            }
        });
    }
    workers.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_a_loss_of_power_at_any_moment() {
    let mut dice = Dice::thrown("power");
    let Some(run) = record(&mut dice, false).await else { return };
    println!("power: {} lines, {} answers, {CUTS} cuts", run.recording.lines, run.recording.answers.len());
    let losses = losses(run, CUTS, &mut dice).await;
    for l in &losses {
        println!("LOSS {l}");
    }
    assert!(losses.is_empty(), "{} losses, the first: {}", losses.len(), losses[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_answers_before_its_sync_is_caught() {
    let mut dice = Dice::thrown("power, planted");
    let Some(run) = record(&mut dice, true).await else { return };
    let losses = losses(run, 40, &mut dice).await;
    println!("planted: {} of 40 cuts show it", losses.len());
    assert!(losses.iter().any(|loss| loss.contains("may hold one of")), "{losses:?}");
}
