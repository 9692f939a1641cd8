//! Journals that end anywhere, or hold anything: what is opened has every commit before the damage, or nothing is opened.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;

use bytes::Bytes;
use tempfile::TempDir;

use super::mark::Mark;
use super::tests::{crashed, cut, key, last_journal, open, open_accepting_loss, value};
use super::{OpenError, journal};
use crate::kv::{Begin, Kv, Version};
use crate::laws::set;
use crate::mutation::Mutation;

const COMMITS: usize = 60;
const KEYS: usize = 20;
const DAMAGES: usize = 160;

/// What the keys hold after a commit.
type Rows = BTreeMap<String, Bytes>;

/// A commit, and where it ends in the journal.
struct Point {
    version: Version,
    end: u64,
    rows: Rows,
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }
}

/// Commits of rows and bodies, and what a crash leaves of them; the first point is the empty store.
async fn written(dice: &mut Dice) -> (TempDir, Vec<Point>) {
    let directory = tempfile::tempdir().unwrap();
    let kv = open(directory.path()).unwrap();
    let mut points = vec![Point { version: Version(0), end: 0, rows: Rows::new() }];
    for _ in 0..COMMITS {
        let mut rows = points.last().unwrap().rows.clone();
        let transaction = kv.begin(Begin::default()).await.unwrap();
        for _ in 0..=dice.below(3) {
            let name = format!("{}{}", ["D", "k"][dice.index(2)], dice.index(KEYS));
            if dice.below(4) == 0 {
                transaction.mutate(Mutation::Clear { key: key(&name) });
                rows.remove(&name);
            } else {
                let length = dice.index(3_000);
                let body = Bytes::from(dice.bytes(length));
                transaction.mutate(set(key(&name), body.clone()));
                rows.insert(name, body);
            }
        }
        let version = transaction.commit().await.unwrap().version;
        let scan = journal::scan(&last_journal(directory.path())).unwrap();
        assert_eq!((scan.last, scan.torn), (Some(version), 0));
        points.push(Point { version, end: scan.whole, rows });
    }
    (crashed(directory.path()), points)
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Cut,
    Zeros,
    Garbage,
    Flip,
}

/// Damages a journal that is filled up to `end` from `at` on, or only there.
fn damage(journal: &Path, how: Damage, (at, end): (u64, u64), dice: &mut Dice) {
    if let Damage::Cut = how {
        return cut(journal, at);
    }
    let mut bytes = fs::read(journal).unwrap();
    let from = usize::try_from(at).unwrap();
    let tail = &mut bytes[from..usize::try_from(end).unwrap()];
    match how {
        Damage::Cut => {}
        Damage::Zeros => tail.fill(0),
        Damage::Garbage => tail.copy_from_slice(&dice.bytes(tail.len())),
        Damage::Flip => tail[0] ^= 1 << dice.below(8),
    }
    fs::write(journal, bytes).unwrap();
}

/// How many commits the store at a directory has.
async fn commits(directory: &Path, points: &[Point], accept_loss: bool) -> Result<usize, OpenError> {
    let kv = if accept_loss { open_accepting_loss(directory)? } else { open(directory)? };
    let mut rows = Rows::new();
    for name in ["D", "k"].into_iter().flat_map(|kind| (0..KEYS).map(move |n| format!("{kind}{n}"))) {
        if let Some(body) = value(&kv, &name).await {
            rows.insert(name, body);
        }
    }
    let version = kv.begin(Begin::default()).await.unwrap().read_version().await.unwrap();
    kv.close().await.unwrap();
    let found = points.iter().rposition(|point| point.version <= version).unwrap();
    let wrong: Vec<_> = rows
        .keys()
        .chain(points[found].rows.keys())
        .filter(|name| rows.get(*name) != points[found].rows.get(*name))
        .collect();
    assert!(wrong.is_empty(), "the rows are not those of commit {found}: {wrong:?}");
    Ok(found)
}

#[tokio::test]
async fn a_journal_damaged_anywhere_opens_with_all_before_the_damage_or_is_refused() {
    let seed = RandomState::new().build_hasher().finish();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let (base, points) = written(&mut dice).await;
    let end = points.last().unwrap().end;
    let (mut opened, mut refused) = (0, 0);
    for number in 0..DAMAGES {
        let left = crashed(base.path());
        let how = [Damage::Cut, Damage::Zeros, Damage::Garbage, Damage::Flip][number % 4];
        // Anywhere, in the last commits, or beside the end of one.
        let at = match number / 4 % 3 {
            0 => dice.below(end),
            1 => end - 1 - dice.below(points[COMMITS].end - points[COMMITS - 3].end),
            _ => (points[dice.index(COMMITS)].end + dice.below(40)).saturating_sub(20).min(end - 1),
        };
        let whole = points.iter().rposition(|point| point.end <= at).unwrap();
        // Exact as after a crash of the process, or old as after a loss of power.
        let marked = match dice.below(3) {
            0 => COMMITS,
            1 => whole,
            _ => dice.index(COMMITS + 1),
        };
        Mark::open(left.path()).unwrap().0.settle(points[marked].version).unwrap();
        damage(&last_journal(left.path()), how, (at, end), &mut dice);
        let case = format!("seed {seed}: {how:?} at {at}, {whole} commits before it, {marked} marked");
        match commits(left.path(), &points, false).await {
            // A cut of zeros, or zeros over zeros, may damage nothing.
            Ok(kept) => {
                assert!(kept >= whole.max(marked), "{case}: {kept} kept");
                opened += 1;
            }
            Err(error) => {
                assert!(matches!(error, OpenError::Damaged { .. }), "{case}: {error}");
                // A bit in the middle proves that what is around it was whole; a torn end proves nothing.
                assert!(marked > whole || matches!(how, Damage::Flip), "{case}: refused");
                assert!(commits(left.path(), &points, true).await.unwrap() >= whole, "{case}: loss accepted");
                refused += 1;
            }
        }
    }
    println!("{opened} opened, {refused} refused");
    assert!(opened > DAMAGES / 10 && refused > DAMAGES / 10, "{opened} opened, {refused} refused");
}
