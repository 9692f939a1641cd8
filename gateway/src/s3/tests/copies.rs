//! Copies of objects.

use super::Client;

#[tokio::test]
async fn a_copy_keeps_or_replaces_metadata() {
    let client = Client::with_bucket().await;
    let said = [("content-type", "a/b"), ("x-amz-meta-a", "1"), ("x-amz-storage-class", "STANDARD_IA")];
    client.put("/bkt/a%20b%2B", &said, "hello").await;
    for source in ["bkt/a%20b%2B", "/bkt/a+b%2B", "bkt%2Fa%20b%2B", "bkt/a%20b%2B?versionId=null"] {
        let copied = client.put("/bkt/kept", &[("x-amz-copy-source", source)], "").await;
        assert_eq!(copied.one("LastModified"), "2026-01-02T03:04:05.000Z");
        let kept = client.get("/bkt/kept", &[]).await;
        assert_eq!((kept.text(), kept.header("etag")), ("hello", copied.one("ETag").as_str()), "{source}");
        assert_eq!((kept.header("content-type"), kept.header("x-amz-meta-a")), ("a/b", "1"));
    }
    let replace = [
        ("x-amz-copy-source", "bkt/kept"),
        ("x-amz-metadata-directive", "REPLACE"),
        ("content-type", "c/d"),
        ("x-amz-meta-b", "2"),
    ];
    client.put("/bkt/new", &replace, "").await;
    let new = client.get("/bkt/new", &[]).await;
    assert_eq!(
        (new.header("content-type"), new.header("x-amz-meta-a"), new.header("x-amz-meta-b")),
        ("c/d", "", "2")
    );
    let class = [("x-amz-copy-source", "bkt/kept"), ("x-amz-storage-class", "GLACIER_IR")];
    client.put("/bkt/cold", &class, "").await;
    let cold = client.get("/bkt/cold", &[]).await;
    assert_eq!((cold.header("x-amz-storage-class"), cold.header("x-amz-meta-a")), ("GLACIER_IR", "1"));
}

#[tokio::test]
async fn a_copy_takes_neither_storage_class_nor_redirect_from_its_source() {
    let client = Client::with_bucket().await;
    let long = "v".repeat(1_000);
    let said = [
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-website-redirect-location", "/there"),
        ("x-amz-meta-a", &long),
    ];
    client.put("/bkt/k", &said, "x").await;
    let seen = async |uri: &str| {
        let head = client.send("HEAD", uri, &[], "").await;
        let of = |name| head.header(name).to_owned();
        (of("x-amz-storage-class"), of("x-amz-website-redirect-location"), of("x-amz-meta-a").len())
    };
    client.put("/bkt/plain", &[("x-amz-copy-source", "bkt/k")], "").await;
    assert_eq!(seen("/bkt/plain").await, (String::new(), String::new(), 1_000));
    let own = [("x-amz-copy-source", "bkt/k"), ("x-amz-website-redirect-location", "/here")];
    client.put("/bkt/own", &own, "").await;
    assert_eq!(seen("/bkt/own").await, (String::new(), "/here".into(), 1_000));
    // Onto itself the class alone is a change, STANDARD too.
    client.put("/bkt/k", &[("x-amz-copy-source", "bkt/k"), ("x-amz-storage-class", "STANDARD")], "").await;
    assert_eq!(seen("/bkt/k").await, (String::new(), String::new(), 1_000));
    assert!(!client.get("/bkt", &[]).await.text().contains("STANDARD_IA"));
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[], "x").await.header("etag").to_owned();
    let itself = ("x-amz-copy-source", "bkt/k");
    client.send("PUT", "/bkt/k", &[itself], "").await.refused(400, "InvalidRequest");
    let touched = [itself, ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-mtime", "5")];
    assert_eq!(client.put("/bkt/k", &touched, "").await.one("ETag"), etag);
    assert_eq!(client.get("/bkt/k", &[]).await.header("x-amz-meta-mtime"), "5");
    client.put("/bkt/k", &[itself, ("x-amz-storage-class", "STANDARD_IA")], "").await;
    let cold = client.get("/bkt/k", &[]).await;
    assert_eq!((cold.header("x-amz-storage-class"), cold.header("x-amz-meta-mtime")), ("STANDARD_IA", "5"));
}

#[tokio::test]
async fn conditions_of_the_source_and_of_the_destination_are_kept_apart() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[], "x").await.header("etag").to_owned();
    let source = ("x-amz-copy-source", "bkt/k");
    for (condition, status) in [
        (("x-amz-copy-source-if-match", etag.as_str()), 200),
        (("x-amz-copy-source-if-match", "\"x\""), 412),
        (("x-amz-copy-source-if-none-match", etag.as_str()), 412),
        (("x-amz-copy-source-if-modified-since", "Fri, 02 Jan 2026 03:04:05 GMT"), 412),
        (("x-amz-copy-source-if-unmodified-since", "Fri, 02 Jan 2026 03:04:05 GMT"), 200),
        (("if-none-match", "*"), 412),
        (("if-match", etag.as_str()), 412),
    ] {
        let answer = client.send("PUT", "/bkt/copy", &[source, condition], "").await;
        assert_eq!(answer.status.as_u16(), status, "{condition:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_source_that_is_not_there_or_not_readable_is_refused() {
    let client = Client::with_bucket().await;
    for (source, status, code) in [
        ("bkt/missing", 404, "NoSuchKey"),
        ("nowhere/k", 404, "NoSuchBucket"),
        ("bkt/k?versionId=v", 404, "NoSuchVersion"),
        ("bkt", 400, "InvalidArgument"),
        ("", 400, "InvalidArgument"),
        ("bkt/%FF", 400, "InvalidArgument"),
        ("Not_a_bucket/k", 400, "InvalidBucketName"),
    ] {
        client.send("PUT", "/bkt/copy", &[("x-amz-copy-source", source)], "").await.refused(status, code);
    }
    let unknown = [("x-amz-copy-source", "bkt/k"), ("x-amz-metadata-directive", "MOVE")];
    client.send("PUT", "/bkt/copy", &unknown, "").await.refused(400, "InvalidArgument");
    assert_eq!(client.get("/bkt/copy", &[]).await.status, 404);
}
