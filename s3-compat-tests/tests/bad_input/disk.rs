//! A disk that is full, as the server sees it: the reserve is set above what is free.

use s3_compat_tests::body;
use s3_compat_tests::server::{Home, Server};
use s3_compat_tests::sign::Request;

use super::{Fixture, MIB, get, put};

/// A server that takes its disk for full.
fn full(home: Home) -> Server {
    let mut command = home.command(&["serve"]);
    command.env("TERRACE_SPACE__RESERVE", "9000000000000000000");
    home.start_by(command)
}

#[tokio::test]
async fn on_a_full_disk_writes_are_refused_and_deletes_go_on() {
    let f = Fixture::new().await;
    let large = body::random(3 * MIB, 1);
    f.ok(&put("small", b"small"), b"small").await;
    f.ok(&put("large", &large), &large).await;
    let opened = f.ok(&Request::new("POST", "/bucket/upload").query("uploads=").body(b""), b"").await;
    let id = opened.split_once("<UploadId>").unwrap().1.split_once("</").unwrap().0.to_owned();
    let server = full(f.server.stop());

    let f = Fixture::on(server);
    for (key, body) in [("new", &b"new"[..]), ("small", b"other"), ("new", &large), ("large", &large)] {
        let (answer, said) = f.send(&put(key, body), body).await;
        assert_eq!(answer.status, 503, "{key}: {said}");
    }
    let part =
        Request::new("PUT", "/bucket/upload").query(&format!("partNumber=1&uploadId={id}")).body(&large);
    assert_eq!(f.send(&part, &large).await.0.status, 503);
    assert_eq!(f.ok(&get("small"), b"").await, "small");
    let (answer, _) = f.send(&Request::new("HEAD", "/bucket/large"), b"").await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("3145728")));
    f.absent("new").await;
    f.ok(&Request::new("DELETE", "/bucket/upload").query(&format!("uploadId={id}")), b"").await;
    for key in ["small", "large"] {
        f.ok(&Request::new("DELETE", &format!("/bucket/{key}")), b"").await;
        f.absent(key).await;
    }
    let home = f.server.stop_clean();
    Fixture::on(home.start()).finish().await;
}
