//! `terrace fsck` beside writers, deletes, uploads and reclaim: a write in flight is never reported.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_compat_tests::server::{Home, Server};

use crate::writers::{Ledger, create_bucket};

const WRITERS: u64 = 6;
const LOOKS: usize = 8;
/// Acknowledged writes between two looks.
const WRITES: u64 = 25;

/// The count of blobs in a line of the report.
fn blobs(report: &str, class: &str) -> u64 {
    let line = report.lines().find_map(|line| line.strip_prefix(class)).unwrap_or_else(|| panic!("{report}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_fsck_of_a_running_gateway_under_load_reports_nothing_in_flight() {
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_RECLAIM__GRACE", "0s");
    let server = home.start_by(command);
    create_bucket(&server).await;
    let ledger = Arc::new(Ledger::default());
    let mut writers = ledger.start(&server, WRITERS);
    let mut seen = 0;
    for look in 0..LOOKS {
        let enough = ledger.acknowledged.load(Ordering::Relaxed) + WRITES;
        while ledger.acknowledged.load(Ordering::Relaxed) < enough {
            assert_eq!(writers.len(), usize::try_from(WRITERS).unwrap(), "a writer ended");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let said = tokio::task::block_in_place(|| server.home().run(&["fsck"]));
        assert!(said.status.success(), "look {look}: {}\n{}\n{}", said.status, said.out, said.err);
        assert!(said.out.contains("clean: each blob is in exactly one class"), "{}", said.out);
        seen += blobs(&said.out, "all blobs");
    }
    assert!(seen > 0, "no look saw a blob: the load proves nothing");
    let home = tokio::task::block_in_place(|| Server::stop(server));
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    home.assert_clean();
    let server = home.start();
    ledger.verify(&server).await;
    server.stop_clean();
}
