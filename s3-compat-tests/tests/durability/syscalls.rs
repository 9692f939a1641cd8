//! The order of system calls behind a 200, seen from outside by strace.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use s3_compat_tests::body;
use s3_compat_tests::http1::Connection;
use s3_compat_tests::server::{ACCESS_KEY, Home, SECRET_KEY};
use s3_compat_tests::sign::{Request, Signer};
use s3_compat_tests::tool;
use tokio::task::JoinSet;

use crate::strace::{self, Call};
use crate::writers::create_bucket;

const TRACED: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,\
                      rename,renameat,renameat2";
const WRITES: [&str; 5] = ["write", "writev", "pwrite64", "pwritev", "pwritev2"];
const CONNECTIONS: usize = 16;
/// Objects that each connection puts, one after the other.
const OBJECTS: usize = 3;

/// Traces a server while objects of `size` bytes are put under keys of their own, and gives the calls; `None` without strace.
async fn traced(size: usize, durability: &str) -> Option<Vec<Call>> {
    let strace = tool::find("strace", "strace", &["-f", "-y", "-e", "trace=write", "true"], |_| true)?;
    let home = Home::new();
    let trace = home.scratch().join("trace");
    // -D: the server stays our child, and strace goes when it goes. -s: a whole batch.
    let words = ["-D", "-f", "-y", "-s", "200000", "-e", TRACED, "-o"].map(OsStr::new);
    let words = [&[strace.as_os_str()], &words[..], &[trace.as_os_str()]].concat();
    let mut command = home.wrapped(&words, &["serve"]);
    command
        .env("TERRACE_HIGH_VOLUME__DURABILITY", durability)
        .env("TERRACE_HIGH_VOLUME__SYNC_INTERVAL", "60s");
    let server = home.start_by(command);
    create_bucket(&server).await;
    let mut clients = JoinSet::new();
    for client in 0..CONNECTIONS {
        clients.spawn(put(server.address().to_owned(), client, body::random(size, client as u64)));
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let home = server.stop();
    // strace writes its last lines after the server has gone.
    for _ in 0..200 {
        if std::fs::read_to_string(&trace)
            .is_ok_and(|text| text.trim_end().ends_with("+++ exited with 0 +++"))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    home.assert_clean();
    Some(strace::read(&trace))
}

fn key(client: usize, n: usize) -> String {
    format!("traced-{client:03}-{n:03}-key")
}

async fn put(address: String, client: usize, body: Vec<u8>) {
    let signer = Signer::new(&address, ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(&address).await.unwrap();
    for n in 0..OBJECTS {
        let request = Request::new("PUT", &format!("/bucket/{}", key(client, n))).body(&body);
        connection.send_request(&signer.head(&request), &body).await.unwrap();
        assert_eq!(connection.receive(false, |_| {}).await.unwrap().status, 200);
    }
}

/// The call that sends the answer to the PUT of a key: the first 200 on the socket that its head came in by.
fn answer<'c>(calls: &'c [Call], key: &str) -> &'c Call {
    let head = format!("PUT /bucket/{key} HTTP/1.1");
    let asked = calls.iter().find(|call| call.arguments.contains(&head));
    let asked = asked.unwrap_or_else(|| panic!("no call reads the head of {key}"));
    let answers = |call: &&Call| {
        call.began > asked.ended
            && call.descriptor() == asked.descriptor()
            && call.arguments.contains("\"HTTP/1.1 200")
    };
    calls.iter().find(answers).unwrap_or_else(|| panic!("no call sends the answer to {key}"))
}

fn is_sync(call: &Call) -> bool {
    matches!(call.name.as_str(), "fsync" | "fdatasync")
}

/// The writes to a journal that name `key`, in their order.
fn batches<'c>(calls: &'c [Call], key: &'c str) -> impl Iterator<Item = &'c Call> {
    let journal = |call: &&Call| call.file().is_some_and(|file| file.ends_with(".jnl"));
    let holds = move |call: &&Call| WRITES.contains(&call.name.as_str()) && call.arguments.contains(key);
    calls.iter().filter(journal).filter(holds)
}

/// Whether the journal write of the record of `key` was followed by a sync of the journal that began after it and ended before `answer`.
fn is_synced(calls: &[Call], key: &str, answer: &Call) -> bool {
    let before = |call: &&Call| call.ended < answer.began;
    // The record is in the last batch that names the key before the answer.
    let written = batches(calls, key).filter(before).last();
    let written = written.unwrap_or_else(|| panic!("{key}: its answer leaves before a journal names it"));
    let after = |call: &&Call| is_sync(call) && call.file() == written.file() && call.began > written.ended;
    calls.iter().filter(after).any(|call| before(&call))
}

/// The keys of a trace, each with the call that sends its answer.
fn answers(calls: &[Call]) -> Vec<(String, &Call)> {
    let all = (0..CONNECTIONS).flat_map(|client| (0..OBJECTS).map(move |n| key(client, n)));
    all.map(|key| (answer(calls, &key), key)).map(|(answer, key)| (key, answer)).collect()
}

#[tokio::test]
async fn each_200_to_a_small_put_leaves_after_a_sync_that_began_after_the_write_of_its_batch() {
    let Some(calls) = traced(1000, "always").await else { return };
    let answers = answers(&calls);
    for (key, answer) in &answers {
        assert!(is_synced(&calls, key, answer), "{key}: no sync between its batch and {answer:?}");
    }
    let first = calls.iter().find(|call| call.arguments.contains("PUT /bucket/traced"));
    let last = answers.iter().map(|(_, answer)| answer.began).max().unwrap();
    let under_load = |call: &&Call| call.began > first.unwrap().began && call.began < last;
    let syncs = calls.iter().filter(under_load).filter(|call| is_sync(call)).count();
    println!("{syncs} syncs of {} PUTs over {CONNECTIONS} connections", answers.len());
    assert!(syncs <= answers.len(), "commits of many connections share their syncs");
}

/// A PUT of `key` over descriptor 9, as strace shows it; `after` is what happens between the write of its batch and its answer.
fn trace(key: &str, after: &str) -> Vec<Call> {
    strace::parse(&format!(
        "1 recvfrom(9<socket:[7]>, \"PUT /bucket/{key} HTTP/1.1\\r\\n\", 99, 0) = 99\n\
         2 write(5</d/0.jnl>, \"record of {key}\", 20) = 20\n{after}\
         1 sendto(9<socket:[7]>, \"HTTP/1.1 200 OK\\r\\n\", 17, 0) = 17\n"
    ))
}

#[test]
fn a_trace_whose_200_leaves_before_a_sync_of_its_batch_is_caught() {
    let synced = |after: &str| {
        let calls = trace("k", after);
        is_synced(&calls, "k", answer(&calls, "k"))
    };
    assert!(synced("2 fdatasync(5</d/0.jnl>) = 0\n"));
    assert!(synced(
        "2 fdatasync(5</d/0.jnl> <unfinished ...>\n1 read(3</x>, \"\", 1) = 0\n2 <... fdatasync resumed>) = 0\n"
    ));
    assert!(!synced(""), "no sync");
    assert!(!synced("2 fdatasync(6</d/1.jnl>) = 0\n"), "a sync of another file");
    assert!(!synced("2 fdatasync(5</d/0.jnl>) = -1 EIO (Input/output error)\n"), "a sync that failed");
    assert!(!synced("2 fdatasync(5</d/0.jnl> <unfinished ...>\n"), "a sync that has not ended");
}

#[test]
fn a_trace_whose_sync_began_before_the_write_ended_is_caught() {
    let text = "1 recvfrom(9<socket:[7]>, \"PUT /bucket/k HTTP/1.1\\r\\n\", 99, 0) = 99\n\
                2 write(5</d/0.jnl>, \"record of k\", 20 <unfinished ...>\n\
                3 fdatasync(5</d/0.jnl> <unfinished ...>\n\
                2 <... write resumed>) = 20\n\
                3 <... fdatasync resumed>) = 0\n\
                1 sendto(9<socket:[7]>, \"HTTP/1.1 200 OK\\r\\n\", 17, 0) = 17\n";
    let calls = strace::parse(text);
    assert!(!is_synced(&calls, "k", answer(&calls, "k")));
}

#[test]
#[should_panic(expected = "leaves before a journal names it")]
fn a_trace_whose_200_leaves_before_its_batch_is_written_is_caught() {
    let mut calls = trace("k", "");
    calls.retain(|call| call.name != "write");
    is_synced(&calls, "k", answer(&calls, "k"));
}

#[tokio::test]
async fn a_server_that_does_not_sync_each_batch_is_caught() {
    let Some(calls) = traced(1000, "interval").await else { return };
    assert!(answers(&calls).iter().all(|(key, answer)| !is_synced(&calls, key, answer)));
}

#[tokio::test]
async fn each_200_to_a_large_put_leaves_after_its_file_its_directory_and_its_record_are_synced() {
    let Some(calls) = traced(1_200_000, "always").await else { return };
    let mut answered = Vec::new();
    for (key, answer) in answers(&calls) {
        assert!(is_synced(&calls, &key, answer), "{key}: no sync between its batch and {answer:?}");
        let batches = batches(&calls, &key).filter(|batch| batch.ended < answer.began).count();
        assert!(batches >= 2, "{key}: its ticket alone is in the journal before its answer");
        answered.push(answer.began);
    }
    let renames: Vec<&Call> =
        calls.iter().filter(|call| call.name.starts_with("rename") && is_blob(call)).collect();
    assert_eq!(renames.len(), CONNECTIONS * OBJECTS, "one blob a PUT");
    let mut durable: Vec<usize> = renames.iter().map(|rename| durable_at(&calls, rename)).collect();
    // Each answer has a blob of its own that was durable before it: in order, the n-th answer comes after n durable blobs.
    durable.sort_unstable();
    answered.sort_unstable();
    for (durable, answered) in durable.iter().zip(&answered) {
        assert!(
            durable < answered,
            "an answer leaves on line {answered}, a blob is durable on line {durable}"
        );
    }
}

/// A rename into the place of a blob.
fn is_blob(call: &Call) -> bool {
    call.quoted().last().is_some_and(|to| to.contains("/long-term/"))
}

/// The line by which a renamed file is durable: all of it synced before the rename, and its folder synced after.
fn durable_at(calls: &[Call], rename: &Call) -> usize {
    let quoted = rename.quoted();
    let (from, to) = (quoted[0], quoted[quoted.len() - 1]);
    let of_file: Vec<&Call> =
        calls.iter().filter(|call| call.file() == Some(from) && call.ended < rename.began).collect();
    let written = of_file.iter().rev().find(|call| WRITES.contains(&call.name.as_str()));
    let written = written.unwrap_or_else(|| panic!("nothing is written to {from}"));
    let synced = of_file.iter().find(|call| is_sync(call) && call.began > written.ended);
    assert!(synced.is_some(), "{from} is renamed without a sync after its last write");
    let folder = Path::new(to).parent().and_then(Path::to_str);
    let synced =
        calls.iter().find(|call| is_sync(call) && call.file() == folder && call.began > rename.ended);
    synced.unwrap_or_else(|| panic!("the folder of {to} is not synced")).ended
}
