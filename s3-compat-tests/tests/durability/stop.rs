//! A graceful stop: what is under way ends well, what rests is closed, nothing new begins.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use s3_compat_tests::body;
use s3_compat_tests::http1::Connection;
use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY, Server};
use s3_compat_tests::sign::{Request, Signer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::writers::{create_bucket, exchange, open_upload, read};

const MIB: usize = 1 << 20;
/// Far more than the buffers of a loopback connection hold, so that an answer that is not read stays under way.
const READ: usize = 48 * MIB;

fn terminate(server: &Server) {
    kill_process(Pid::from_raw(server.pid()).unwrap(), Signal::TERM).unwrap();
}

/// Waits until the temporary files of so many large writes have bytes.
async fn are_under_way(server: &Server, count: usize) {
    let uploads: PathBuf = server.home().data().join("long-term/uploads");
    for _ in 0..1500 {
        let files = std::fs::read_dir(&uploads).into_iter().flatten().filter_map(Result::ok);
        if files.filter_map(|file| file.metadata().ok()).filter(|file| file.len() > 0).count() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("fewer than {count} large writes are under way\n{}", server.log());
}

/// The body that is left of an answer whose first bytes were read already.
async fn rest(mut stream: TcpStream, mut read: Vec<u8>) -> Vec<u8> {
    stream.read_to_end(&mut read).await.unwrap();
    let end = read.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&read[..end]));
    read.split_off(end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_finish_idle_connections_are_closed_and_no_request_is_let_in() {
    let server = Server::start();
    create_bucket(&server).await;
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut idle = Connection::open(server.address()).await.unwrap();
    let long = body::random(READ, 1);
    let (answer, said) =
        exchange(&mut idle, &signer, &Request::new("PUT", "/bucket/long").body(&long), &long).await.unwrap();
    assert_eq!(answer.status, 200, "{said}");

    let half = body::random(6 * MIB, 2);
    let mut writer = Connection::open(server.address()).await.unwrap();
    let put = Request::new("PUT", "/bucket/half").body(&half);
    writer.send(signer.head(&put).as_bytes()).await.unwrap();
    writer.send(&half[..4 * MIB]).await.unwrap();
    are_under_way(&server, 1).await;
    let mut reader = TcpStream::connect(server.address()).await.unwrap();
    reader.write_all(signer.head(&Request::new("GET", "/bucket/long")).as_bytes()).await.unwrap();
    let mut begun = vec![0; 1000];
    reader.read_exact(&mut begun).await.unwrap();

    terminate(&server);
    let closed = idle.receive(false, |_| {}).await.unwrap_err();
    assert!(matches!(closed.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{closed}");
    let refused = TcpStream::connect(server.address()).await;
    assert!(refused.is_err(), "a stopping gateway accepts");

    writer.send(&half[4 * MIB..]).await.unwrap();
    let (answer, said) = writer.receive_text().await.unwrap();
    assert_eq!(answer.status, 200, "{said}");
    let ended = writer.receive(false, |_| {}).await.unwrap_err();
    assert!(matches!(ended.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{ended}");
    assert!(rest(reader, begun).await == long, "the answer under way is not whole");

    // It has ended, or is about to: with exit code 0.
    let home = tokio::task::block_in_place(|| server.stopped());
    home.assert_clean();
    let server = home.start();
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(server.address()).await.unwrap();
    assert!(
        read(&mut connection, &signer, "half").await == Some(half),
        "what was acknowledged while stopping"
    );
    server.stop_clean();
}

const UPLOADS: u64 = 24;
const DOWNLOADS: usize = 8;
const IDLE: usize = 40;

/// Connections with a large body under way into the server, each with what is left to send.
async fn half_sent(server: &Server, signer: &Signer) -> Vec<(Connection, Vec<u8>)> {
    let mut opened = Connection::open(server.address()).await.unwrap();
    let upload = open_upload(&mut opened, signer, "parts").await.unwrap();
    let mut writers = Vec::new();
    for number in 1..=UPLOADS {
        let mut body = body::random(3 * MIB, number);
        let put = if number % 3 == 0 {
            Request::new("PUT", "/bucket/parts").query(&format!("partNumber={number}&uploadId={upload}"))
        } else {
            Request::new("PUT", &format!("/bucket/{number}"))
        };
        let rest = body.split_off(2 * MIB);
        let whole = [&body[..], &rest].concat();
        let mut connection = Connection::open(server.address()).await.unwrap();
        connection.send(signer.head(&put.body(&whole)).as_bytes()).await.unwrap();
        connection.send(&body).await.unwrap();
        writers.push((connection, rest));
    }
    are_under_way(server, writers.len()).await;
    writers
}

/// Connections with a large body under way out of the server, each with what was read.
async fn half_read(server: &Server, signer: &Signer) -> Vec<(TcpStream, Vec<u8>)> {
    let mut readers = Vec::new();
    for _ in 0..DOWNLOADS {
        let mut reader = TcpStream::connect(server.address()).await.unwrap();
        reader.write_all(signer.head(&Request::new("GET", "/bucket/long")).as_bytes()).await.unwrap();
        let mut begun = vec![0; 1000];
        reader.read_exact(&mut begun).await.unwrap();
        readers.push((reader, begun));
    }
    readers
}

/// Connections that rest after a request, and some that never sent one.
async fn idle(server: &Server, signer: &Signer) -> Vec<Connection> {
    let mut connections = Vec::new();
    for number in 0..IDLE {
        let mut connection = Connection::open(server.address()).await.unwrap();
        if number % 4 > 0 {
            let head = Request::new("HEAD", "/bucket/long");
            connection.send(signer.head(&head).as_bytes()).await.unwrap();
            assert_eq!(connection.receive(true, |_| {}).await.unwrap().status, 200);
        }
        connections.push(connection);
    }
    connections
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_many_connections_cuts_none_that_is_busy_and_leaves_none_that_rests() {
    let server = Server::start();
    create_bucket(&server).await;
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut first = Connection::open(server.address()).await.unwrap();
    let long = body::random(READ, 1);
    let put = Request::new("PUT", "/bucket/long").body(&long);
    assert_eq!(exchange(&mut first, &signer, &put, &long).await.unwrap().0.status, 200);
    let resting = idle(&server, &signer).await;
    let writers = half_sent(&server, &signer).await;
    let readers = half_read(&server, &signer).await;

    terminate(&server);
    for mut connection in resting {
        let closed = connection.receive(false, |_| {}).await.unwrap_err();
        assert!(matches!(closed.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{closed}");
    }
    assert!(TcpStream::connect(server.address()).await.is_err(), "a stopping gateway accepts");
    for (mut connection, rest) in writers {
        connection.send(&rest).await.unwrap();
        let (answer, said) = connection.receive_text().await.unwrap();
        assert_eq!(answer.status, 200, "{said}");
        assert_eq!(answer.header("connection"), Some("close"), "the client is not told to connect anew");
    }
    for (reader, begun) in readers {
        assert!(rest(reader, begun).await == long, "an answer under way is not whole");
    }

    let home = tokio::task::block_in_place(|| server.stopped());
    home.assert_clean();
    let server = home.start();
    let signer = Signer::new(server.address(), ACCESS_KEY, SECRET_KEY);
    let mut connection = Connection::open(server.address()).await.unwrap();
    for number in (1..=UPLOADS).filter(|number| number % 3 > 0) {
        let found = read(&mut connection, &signer, &number.to_string()).await;
        assert!(found == Some(body::random(3 * MIB, number)), "{number}: acknowledged while stopping");
    }
    server.stop_clean();
}
