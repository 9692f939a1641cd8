//! Killed or stopped under load.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_compat_tests::server::{Home, Server};

use crate::writers::{Ledger, create_bucket};

const WRITERS: u64 = 8;
/// Acknowledged writes of a round before the server goes.
const WRITES: u64 = 300;

/// Writes until there are enough acknowledged writes, ends the server under load by `end`, and gives back its home.
async fn round(server: Server, ledger: &Arc<Ledger>, end: fn(Server) -> Home) -> Home {
    let enough = ledger.acknowledged.load(Ordering::Relaxed) + WRITES;
    let mut writers = ledger.start(&server, WRITERS);
    while ledger.acknowledged.load(Ordering::Relaxed) < enough && !writers.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let home = tokio::task::block_in_place(|| end(server));
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert!(ledger.acknowledged.load(Ordering::Relaxed) >= enough, "the writers ended too early");
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_a_kill() {
    let ledger = Arc::new(Ledger::default());
    let mut server = Server::start();
    create_bucket(&server).await;
    for _ in 0..3 {
        let home = round(server, &ledger, Server::kill).await;
        home.assert_clean();
        server = home.start();
        ledger.verify(&server).await;
    }
    for line in server.log().lines().filter(|line| line.contains("taken back")) {
        println!("recovery: {line}");
    }
    server.stop_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_write_survives_a_stop_under_load() {
    let ledger = Arc::new(Ledger::default());
    let mut server = Server::start();
    create_bucket(&server).await;
    for _ in 0..2 {
        let home = round(server, &ledger, Server::stop).await;
        home.assert_clean();
        server = home.start();
        ledger.verify(&server).await;
    }
    server.stop_clean();
}
