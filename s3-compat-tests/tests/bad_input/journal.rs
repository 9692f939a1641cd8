//! A journal that has lost what was acknowledged (data-model.md, section 4, "Acknowledgement mark").

use std::fs::File;
use std::path::{Path, PathBuf};

use s3_compat_tests::server::Home;
use walkdir::WalkDir;

use super::{Fixture, get, put};

/// The largest journal below the data directory.
fn journal(data: &Path) -> PathBuf {
    let entries = WalkDir::new(data).into_iter().map(Result::unwrap);
    let journals =
        entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "jnl"));
    let largest = journals.max_by_key(|entry| entry.metadata().unwrap().len());
    largest.expect("an engine with a journal").into_path()
}

/// A server that was killed after it had acknowledged twenty objects.
async fn killed() -> Home {
    let f = Fixture::new().await;
    for n in 0..20 {
        f.ok(&put(&format!("key/{n}"), b"body"), b"body").await;
    }
    f.server.kill()
}

fn cut(path: &Path, keep: impl Fn(u64) -> u64) {
    let file = File::options().write(true).open(path).unwrap();
    let written = std::fs::read(path).unwrap();
    let end = written.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    file.set_len(keep(end as u64)).unwrap();
}

#[tokio::test]
async fn a_start_without_acknowledged_commits_is_refused_until_the_loss_is_accepted() {
    let home = killed().await;
    cut(&journal(&home.data()), |end| end / 2);
    for arguments in [&["serve"][..], &["fsck"]] {
        let said = home.run(arguments);
        assert!(!said.status.success(), "{arguments:?} goes on\n{}\n{}", said.out, said.err);
        let all = said.out + &said.err;
        assert!(all.contains("journal damaged") && all.contains("acknowledged"), "{all}");
    }
    let said = home.run(&["fsck", "--accept-loss"]);
    assert!(said.status.success(), "{}\n{}", said.out, said.err);
    let f = Fixture::on(home.start());
    let mut there = 0;
    for n in 0..20 {
        there += usize::from(f.send(&get(&format!("key/{n}")), b"").await.0.status == 200);
    }
    assert!(there < 20, "half of the journal was cut off");
    f.finish().await;
}

#[tokio::test]
async fn a_batch_that_was_never_acknowledged_may_be_torn() {
    let home = killed().await;
    let journal = journal(&home.data());
    let written = std::fs::read(&journal).unwrap();
    let end = written.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // Half of a copy of the first batches, behind the last: what a crash in the middle of a write leaves.
    let torn: Vec<u8> = written[..end].iter().copied().chain(written[..37].iter().copied()).collect();
    std::fs::write(&journal, torn).unwrap();
    let f = Fixture::on(home.start());
    for n in 0..20 {
        assert_eq!(f.ok(&get(&format!("key/{n}")), b"").await, "body");
    }
    f.finish().await;
}
