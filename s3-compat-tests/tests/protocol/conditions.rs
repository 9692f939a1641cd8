//! Conditions on time and size, which SDKs send to S3 Express alone.

use s3_compat_tests::sign::Request;

use super::{Fixture, element};

#[tokio::test]
async fn a_deletion_on_a_time_or_a_size_spares_what_differs_and_finds_nothing_missing() {
    const TIME: &str = "x-amz-if-match-last-modified-time";
    const SIZE: &str = "x-amz-if-match-size";
    let mut f = Fixture::new().await;
    for key in ["/bucket/key", "/bucket/absent"] {
        f.ok(&Request::new("PUT", "/bucket/key").body(b"body"), b"body").await;
        let (answer, _) = f.send(&Request::new("HEAD", "/bucket/key"), b"").await;
        let modified = answer.header("last-modified").unwrap().to_owned();
        for (name, value) in [(SIZE, "5"), (TIME, "Thu, 01 Jan 1970 00:01:00 GMT")] {
            let (answer, said) = f.send(&Request::new("DELETE", key).header(name, value), b"").await;
            if key == "/bucket/absent" {
                assert_eq!(answer.status, 204, "{name}: {said}");
                continue;
            }
            assert_eq!((answer.status, element(&said, "Condition")), (412, name), "{said}");
            assert_eq!(f.ok(&Request::new("GET", key), b"").await, "body");
        }
        let if_match = Request::new("DELETE", "/bucket/absent").header("if-match", "*");
        assert_eq!(f.send(&if_match, b"").await.0.status, 404);
        let fits = Request::new("DELETE", key).header(SIZE, "4").header(TIME, modified);
        assert_eq!(f.send(&fits, b"").await.0.status, 204);
    }
    let (answer, _) = f.send(&Request::new("HEAD", "/bucket/key"), b"").await;
    assert_eq!(answer.status, 200, "the deletion of another key left it");
    f.ok(&Request::new("DELETE", "/bucket/key"), b"").await;
    f.finish();
}
