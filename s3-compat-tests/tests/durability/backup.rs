//! A backup taken while clients write is a data directory of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use s3_compat_tests::http1::Connection;
use s3_compat_tests::process;
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY, Server, assert_clean};
use s3_compat_tests::sign::Signer;
use tokio::task::JoinSet;

use crate::writers::{Ledger, body_of, create_bucket, list, read, store};

/// Each writes objects of its own, never twice the same, and deletes the one before the last.
async fn write(address: String, writer: u64, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let signer = Signer::new(&address, ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(&address).await.unwrap();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let seed = n * 10 + writer;
        assert_eq!(store(&mut connection, &signer, &format!("seed/{seed}"), Some(seed)).await.unwrap(), 200);
        if n % 5 == 4 {
            let gone = format!("seed/{}", (n - 1) * 10 + writer);
            assert_eq!(store(&mut connection, &signer, &gone, None).await.unwrap(), 204);
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_starts_and_is_sound() {
    let server = Server::start();
    create_bucket(&server).await;
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for writer in 0..6 {
        writers.spawn(write(server.address().to_owned(), writer, Arc::clone(&done), Arc::clone(&stop)));
    }
    while done.load(Ordering::Relaxed) < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = list(&server).await;
    let copy = server.home().scratch().join("copy");
    let took = done.load(Ordering::Relaxed);
    let said = tokio::task::block_in_place(|| server.home().run(&["backup", copy.to_str().unwrap()]));
    assert!(said.status.success(), "{}\n{}", said.out, said.err);
    while done.load(Ordering::Relaxed) < took + 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let gone_since: Vec<String> = {
        let after = list(&server).await;
        before.iter().filter(|key| !after.contains(key)).cloned().collect()
    };

    // The copy must not need what it was copied from.
    let original = server.stop_clean();
    std::fs::remove_dir_all(original.data()).unwrap();
    assert_clean(&copy, &original);
    let other = Home::new();
    let mut command = other.command(&["serve"]);
    let server = other.start_by({
        command.env("TERRACE_DATA_DIR", &copy);
        command
    });
    let kept = list(&server).await;
    for key in before.iter().filter(|key| !gone_since.contains(key)) {
        assert!(kept.contains(key), "{key} was there before the backup began");
    }
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(server.address()).await.unwrap();
    for key in &kept {
        let seed = key.strip_prefix("seed/").unwrap().parse().unwrap();
        assert!(
            read(&mut connection, &signer, key).await == Some(body_of(seed)),
            "{key} is not whole in the copy"
        );
    }
    let home = server.stop();
    assert_clean(&copy, &home);
    // A backup never goes over something that is there.
    let mut again = home.command(&["backup", copy.to_str().unwrap()]);
    assert!(!process::run(&mut again, &home.scratch()).status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_stopped_gateway_holds_every_acknowledged_write() {
    let ledger = Arc::new(Ledger::default());
    let server = Server::start();
    create_bucket(&server).await;
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (ledger, address) = (Arc::clone(&ledger), server.address().to_owned());
        writers.spawn(async move { ledger.write(&address, writer).await });
    }
    while ledger.acknowledged.load(Ordering::Relaxed) < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let original = tokio::task::block_in_place(|| server.stop());
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let copy = original.scratch().join("copy");
    let said = original.run(&["backup", copy.to_str().unwrap()]);
    assert!(said.status.success(), "{}\n{}", said.out, said.err);
    std::fs::remove_dir_all(original.data()).unwrap();
    assert_clean(&copy, &original);
    let other = Home::new();
    let mut command = other.command(&["serve"]);
    command.env("TERRACE_DATA_DIR", &copy);
    let server = other.start_by(command);
    ledger.verify(&server).await;
    let home = server.stop();
    assert_clean(&copy, &home);
}
