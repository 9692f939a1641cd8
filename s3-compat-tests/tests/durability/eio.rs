//! A disk that fails a sync: what is on it is not known any more, so nothing more may be acknowledged (data-model.md, section 4). strace lets the
//! calls fail that the real binary makes.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use s3_compat_tests::server::Home;
use s3_compat_tests::tool;

use crate::writers::{Ledger, create_bucket};

/// Exit code of a gateway whose storage cannot be trusted (`EX_IOERR` of sysexits.h).
const BAD_STORAGE: i32 = 74;
const WRITERS: u64 = 8;

/// Writes until every `call` from the given one on fails in a thread; then starts again on a disk that works.
async fn fails(call: &str, from: u32) {
    let inject = format!("inject={call}:error=EIO:when={from}+");
    let trace = format!("trace={call}");
    let probe = ["-f", "-e", "trace=none", "-e", "inject=fsync:error=EIO:when=9+", "true"];
    let Some(strace) = tool::find("strace", "strace", &probe, |_| true) else { return };
    let home = Home::new();
    let words = ["-D", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(OsStr::new);
    let command = home.wrapped(&[&[strace.as_os_str()], &words[..]].concat(), &["serve"]);
    let server = home.start_by(command);
    create_bucket(&server).await;
    let ledger = Arc::new(Ledger::default());
    let mut writers = ledger.start(&server, WRITERS);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert!(ledger.acknowledged.load(Ordering::Relaxed) > 0, "it failed before the first write");
    let (home, log) = tokio::task::block_in_place(|| server.failed(BAD_STORAGE));
    assert!(log.contains("the storage cannot be trusted any more"), "{log}");

    let server = home.start();
    ledger.verify(&server).await;
    server.stop_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_synced_ends_the_gateway_and_every_acknowledged_write_is_there() {
    fails("fdatasync", 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_cannot_be_synced_ends_the_gateway_and_every_acknowledged_write_is_there() {
    fails("fsync", 100).await;
}
