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

use aws_sdk_s3::operation::RequestId as _;
use s3_compat_tests::process;
use s3_compat_tests::server::Home;
use s3_compat_tests::tool;
use tokio::task::JoinSet;
use walkdir::WalkDir;

use self::disk::{Disk, Unsynced};
use self::recording::Recording;
use crate::dice::Dice;
use crate::load::{BUCKET, History, Mix, SETTLED, State, client, look, possible};
use crate::strace;

const CLIENTS: usize = 6;
/// Gateways at a time.
const AT_ONCE: usize = 2;
/// Each sync takes some milliseconds more, as on a slow disk: that is when clients overtake it.
const SLOW: &str = "inject=fdatasync,fsync:delay_enter=3000";

/// What a run is made of.
#[derive(Clone, Copy)]
struct Load {
    mix: Mix,
    inline_max: &'static str,
    /// Writes of each client.
    writes: usize,
    planted: bool,
}

const SMALL: Load = Load {
    mix: Mix { keys: 5, small: 6_000, large: 9_000, part: 0, two_parts: false },
    inline_max: "8KiB",
    writes: 25,
    planted: false,
};

/// Enough that the engine moves bodies from its journal into tables: 8 MiB.
const FLUSHED: Load = Load {
    mix: Mix { keys: 4, small: 400_000, large: 400_000, part: 0, two_parts: false },
    inline_max: "700KiB",
    writes: 20,
    planted: false,
};

/// A recorded run, and what its clients know.
struct Run {
    recording: Recording,
    history: Arc<History>,
    load: Load,
    /// The first line at which the power may go.
    first: usize,
}

/// What the power leaves is below this directory; the data directory is made in it.
fn disk_of(home: &Home) -> PathBuf {
    home.scratch().join("disk")
}

fn serve(mut command: Command, load: Load, home: &Home) -> Command {
    command
        .env("TERRACE_DATA_DIR", disk_of(home).join("data"))
        .env("TERRACE_HIGH_VOLUME__INLINE_MAX", load.inline_max)
        .env("TERRACE_SPACE__BALLAST", "0")
        .env("TERRACE_RECLAIM__GRACE", "200ms");
    command
}

/// The moment at which the power goes, and what it leaves.
#[derive(Clone, Debug)]
struct Cut {
    line: usize,
    unsynced: Unsynced,
}

/// Records a gateway under load from its start, on an empty disk or on what a loss of power left of an earlier run, to its stop. `None` if it
/// cannot be recorded here.
async fn record(load: Load, after: Option<(&Run, Cut)>, dice: &mut Dice) -> Option<Run> {
    let probe = ["--seccomp-bpf", "-f", "-e", "trace=write", "true"];
    let strace = tool::find("strace", "strace", &probe, |_| true)?;
    let home = Home::new();
    std::fs::create_dir(disk_of(&home)).unwrap();
    if let Some((run, cut)) = &after {
        run.recording.disk.restore(cut.line, &mut cut.unsynced.clone(), &disk_of(&home));
    }
    let disk = Disk::of(&disk_of(&home));
    let trace = home.scratch().join("trace");
    let words = ["-D", "-f", "--seccomp-bpf", "-s", "2000000", "-e", recording::TRACED, "-e", SLOW, "-o"];
    let words = [&[strace.as_os_str()], &words.map(OsStr::new)[..], &[trace.as_os_str()]].concat();
    let mut command = serve(home.wrapped(&words, &["serve"]), load, &home);
    if load.planted {
        command.env("TERRACE_TEST_PLANT", "answer-before-sync");
    }
    let server = home.start_by(command);
    if load.planted && !server.log().contains("a bug is planted") {
        tool::skipped("planted-bugs", "the binary is built without them");
        return None;
    }
    let history = Arc::new(History::default());
    let s3 = client(server.endpoint());
    let bucket = match &after {
        None => {
            let made = s3.create_bucket().bucket(BUCKET).send().await.unwrap();
            made.request_id().map(ToOwned::to_owned)
        }
        Some((run, cut)) => {
            history.continues(&run.history);
            history.settle(look(&s3, &run.possible(cut.line)).await.unwrap());
            None
        }
    };
    let mut clients = history.start(server.endpoint(), CLIENTS, (load.mix, load.writes), dice);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().unwrap();
    }
    let home = tokio::task::block_in_place(|| server.stop());
    let recording = recording::read(ended(&trace).await, &disk_of(&home), disk);
    assert_whole(&recording, &home);
    let first = bucket.map_or(recording::BEFORE, |id| recording.answers[&id] + 1);
    Some(Run { recording, history, load, first })
}

impl Run {
    /// What each key may hold if the power goes before a line.
    fn possible(&self, line: usize) -> BTreeMap<String, Vec<State>> {
        let left = |id: &str| id == SETTLED || self.recording.answers.get(id).is_some_and(|at| *at < line);
        possible(&self.history.writes(), left)
    }

    /// The moment right after an answer began to leave.
    fn at_an_answer(&self, unsynced: Unsynced, dice: &mut Dice) -> Cut {
        let answers: Vec<usize> =
            self.recording.answers.values().copied().filter(|at| *at >= self.first).collect();
        Cut { line: answers[dice.below(answers.len())] + 1, unsynced }
    }

    fn anywhere(&self, unsynced: Unsynced, dice: &mut Dice) -> Cut {
        Cut { line: self.first + dice.below(self.recording.lines - self.first), unsynced }
    }

    /// Half of them right after answers; of each half all that was not synced is lost, or some of it.
    fn cuts(&self, count: usize, dice: &mut Dice) -> Vec<Cut> {
        let cut = |number: usize| match number % 4 {
            0 => self.at_an_answer(Unsynced::Lost, dice),
            1 => self.at_an_answer(Unsynced::Random(dice.fork()), dice),
            2 => self.anywhere(Unsynced::Lost, dice),
            _ => self.anywhere(Unsynced::Random(dice.fork()), dice),
        };
        (0..count).map(cut).collect()
    }

    /// Starts a gateway on what the power left.
    ///
    /// # Errors
    /// What is not as it must be.
    async fn survives(&self, cut: &Cut) -> Result<(), String> {
        let home = Home::new();
        std::fs::create_dir(disk_of(&home)).unwrap();
        self.recording.disk.restore(cut.line, &mut cut.unsynced.clone(), &disk_of(&home));
        let command = serve(home.command(&["serve"]), self.load, &home);
        let mut fsck = serve(home.command(&["fsck"]), self.load, &home);
        let scratch = home.scratch();
        let server = tokio::task::block_in_place(|| home.try_start_by(command))?;
        if let Err(why) = look(&client(server.endpoint()), &self.possible(cut.line)).await {
            return Err(format!("{why}\n{}", server.log()));
        }
        let said = tokio::task::block_in_place(|| process::run(&mut fsck, &scratch));
        if !said.status.success() {
            return Err(format!("fsck: {}\n{}", said.out, said.err));
        }
        let _home = tokio::task::block_in_place(|| server.kill());
        Ok(())
    }
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

/// What the power took, at each of the cuts at which it took something.
async fn losses(run: &Arc<Run>, cuts: Vec<Cut>) -> Vec<String> {
    let cuts = Arc::new(Mutex::new(cuts));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (cuts, run) = (Arc::clone(&cuts), Arc::clone(run));
        workers.spawn(async move {
            let mut losses = Vec::new();
            loop {
                let Some(cut) = cuts.lock().unwrap().pop() else { return losses };
                if let Err(why) = run.survives(&cut).await {
                    losses.push(format!("power lost before line {} ({:?}): {why}", cut.line, cut.unsynced));
                }
            }
        });
    }
    workers.join_all().await.concat()
}

async fn assert_nothing_lost(name: &str, run: &Arc<Run>, count: usize, dice: &mut Dice) {
    let cuts = run.cuts(count, dice);
    let (lines, answers) = (run.recording.lines, run.recording.answers.len());
    println!("{name}: {count} cuts in {lines} calls with {answers} answers");
    let losses = losses(run, cuts).await;
    assert!(losses.is_empty(), "{} of {count} cuts lose something, the first: {}", losses.len(), losses[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_a_loss_of_power_and_another_one_after_it() {
    let mut dice = Dice::thrown("power");
    let Some(run) = record(SMALL, None, &mut dice).await else { return };
    let run = Arc::new(run);
    assert_nothing_lost("first life", &run, 120, &mut dice).await;
    let cut = run.at_an_answer(Unsynced::Random(dice.fork()), &mut dice);
    let Some(second) = record(SMALL, Some((&run, cut)), &mut dice).await else { return };
    assert_nothing_lost("second life", &Arc::new(second), 80, &mut dice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_a_loss_of_power_while_the_engine_moves_bodies_into_tables() {
    let mut dice = Dice::thrown("power, flushed");
    let Some(run) = record(FLUSHED, None, &mut dice).await else { return };
    assert!(run.recording.disk.holds("blobs"), "nothing went from the journal into files of bodies");
    assert_nothing_lost("flushed", &Arc::new(run), 40, &mut dice).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_answers_before_its_sync_is_caught() {
    let mut dice = Dice::thrown("power, planted");
    let planted = Load { planted: true, ..SMALL };
    let Some(run) = record(planted, None, &mut dice).await else { return };
    let cuts: Vec<Cut> = (0..20).map(|_| run.at_an_answer(Unsynced::Lost, &mut dice)).collect();
    let losses = losses(&Arc::new(run), cuts).await;
    println!("planted: {} of 20 cuts show it", losses.len());
    assert!(losses.iter().any(|loss| loss.contains("may hold one of")), "{losses:?}");
}
