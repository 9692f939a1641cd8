//! The real binary on journals whose end is damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_compat_tests::server::Home;
use walkdir::WalkDir;

use crate::dice::Dice;
use crate::kill::start;
use crate::load::{BUCKET, History, Mix, client, look, possible};

const CLIENTS: usize = 4;
const WRITES: u64 = 80;
const DAMAGES: usize = 24;
const MIX: Mix = Mix { keys: 6, small: 8_000, large: 9_000, part: 0, two_parts: false };

fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir(target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn last_journal(data: &Path) -> PathBuf {
    let number = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let entries = std::fs::read_dir(data.join("high-volume/engine")).unwrap();
    let journals = entries.map(|entry| entry.unwrap().path());
    journals.filter(|path| path.extension().is_some_and(|end| end == "jnl")).max_by_key(number).unwrap()
}

/// Damages the end of a journal; gives what was done.
fn damage(journal: &Path, dice: &mut Dice) -> String {
    let mut bytes = std::fs::read(journal).unwrap();
    let filled = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // Anywhere, or in the last bytes.
    let depth = if dice.once_in(2) { filled } else { filled.min(300) };
    let at = filled - 1 - dice.below(depth);
    let how = ["cut", "zeros", "garbage", "flip"][dice.below(4)];
    match how {
        "cut" => bytes.truncate(at),
        "zeros" => bytes[at..].fill(0),
        "garbage" => bytes[at..filled].fill_with(|| dice.next().to_le_bytes()[3]),
        _ => bytes[at] ^= 1 << dice.below(8),
    }
    std::fs::write(journal, bytes).unwrap();
    format!("{how} at {at} of {filled}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_on_a_damaged_journal_has_all_that_was_acknowledged_or_refuses_to_start() {
    let mut dice = Dice::thrown("torn");
    let server = start(Home::new());
    client(server.endpoint()).create_bucket().bucket(BUCKET).send().await.unwrap();
    let history = Arc::new(History::default());
    let mut clients = history.start(server.endpoint(), CLIENTS, (MIX, usize::MAX), &mut dice);
    while history.acknowledged.load(Ordering::Relaxed) < WRITES && clients.len() == CLIENTS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let killed = tokio::task::block_in_place(|| server.kill());
    while let Some(ended) = clients.join_next().await {
        ended.unwrap().unwrap_err();
    }
    let possible = possible(&history.writes(), |_| true);
    let mut refused = 0;
    for _ in 0..DAMAGES {
        let home = Home::new();
        copy(&killed.data(), &home.data());
        let done = damage(&last_journal(&home.data()), &mut dice);
        let mut command = home.command(&["serve"]);
        command.env("TERRACE_SPACE__BALLAST", "0");
        match tokio::task::block_in_place(|| home.try_start_by(command)) {
            Ok(server) => {
                let found = look(&client(server.endpoint()), &possible).await;
                found.unwrap_or_else(|why| panic!("{done}: {why}\n{}", server.log()));
                let _home = tokio::task::block_in_place(|| server.kill());
            }
            Err(said) => {
                assert!(said.contains("journal damaged: commits above"), "{done}: {said}");
                refused += 1;
            }
        }
    }
    println!("torn: {DAMAGES} damaged journals, {refused} refused");
    // The mark is exact after a kill, so hardly any damage leaves all that was acknowledged.
    assert!(refused > 0, "no damage was noticed");
}
