//! Names that no bucket and no object may have.

use s3_compat_tests::sign::Request;

use super::{Fixture, get, put};

#[tokio::test]
async fn a_bucket_name_against_the_rules_is_refused() {
    let f = Fixture::new().await;
    let long = "b".repeat(64);
    for name in [
        "ab",
        "Upper",
        "under_score",
        "two..dots",
        ".dot",
        "dot.",
        "-dash",
        "dash-",
        "192.168.5.4",
        "xn--name",
        &long,
    ] {
        f.refused(&Request::new("PUT", &format!("/{name}")).body(b""), b"", 400, "InvalidBucketName").await;
        let (answer, said) = f.send(&Request::new("GET", &format!("/{name}/key")), b"").await;
        let codes = ["InvalidBucketName", "NoSuchBucket"];
        assert!(
            codes.iter().any(|code| said.contains(&format!("<Code>{code}</Code>"))),
            "{}: {said}",
            answer.status
        );
    }
    let all = f.ok(&Request::new("GET", "/"), b"").await;
    assert_eq!(all.matches("<Bucket>").count(), 1, "{all}");
    f.finish().await;
}

#[tokio::test]
async fn a_key_of_1025_bytes_is_refused() {
    let f = Fixture::new().await;
    for key in ["k".repeat(1025), format!("{}x", "é".repeat(512)), "a/".repeat(600)] {
        f.refused(&put(&key, b"body"), b"body", 400, "KeyTooLongError").await;
        f.refused(&get(&key), b"", 400, "KeyTooLongError").await;
        f.refused(&Request::new("DELETE", &format!("/bucket/{key}")), b"", 400, "KeyTooLongError").await;
        let create = Request::new("POST", &format!("/bucket/{key}")).query("uploads=").body(b"");
        f.refused(&create, b"", 400, "KeyTooLongError").await;
    }
    f.ok(&put(&"k".repeat(1024), b"body"), b"body").await;
    f.finish().await;
}

#[tokio::test]
async fn a_key_that_is_not_text_is_refused() {
    let f = Fixture::new().await;
    for escaped in ["%FF", "a%C3", "%ED%A0%80"] {
        let mut request = put("", b"body");
        request.path = format!("/bucket/{escaped}");
        let (answer, said) = f.send(&request, b"body").await;
        assert_eq!(answer.status, 400, "{escaped}: {said}");
        assert!(said.contains("<Error>"), "{said}");
    }
    f.finish().await;
}

#[tokio::test]
async fn a_nul_in_a_key_is_refused_or_kept_exactly() {
    let f = Fixture::new().await;
    for key in ["\0", "a\0", "a\0b"] {
        let (answer, said) = f.send(&put(key, b"nul"), b"nul").await;
        if answer.status == 200 {
            assert_eq!(f.ok(&get(key), b"").await, "nul");
            f.absent("a").await;
        } else {
            assert_eq!(answer.status, 400, "{said}");
        }
    }
    f.finish().await;
}
