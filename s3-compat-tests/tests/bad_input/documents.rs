//! XML that no SDK writes.

use s3_compat_tests::sign::Request;
use tokio::task::JoinSet;

use super::{Fixture, MIB, assert_refused, get, put};

/// Each operation that takes a document, with one that it would carry out, a key or a name in it written as `NAME`.
const OPERATIONS: [(&str, &str, &str, &str); 4] = [
    ("POST", "/bucket", "delete=", "<Delete><Object><Key>NAME</Key></Object></Delete>"),
    (
        "POST",
        "/bucket/key",
        "uploadId=00000000000000000000000000000000",
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>NAME</ETag></Part></CompleteMultipartUpload>",
    ),
    (
        "PUT",
        "/second",
        "",
        "<CreateBucketConfiguration><LocationConstraint>NAME</LocationConstraint></CreateBucketConfiguration>",
    ),
    (
        "PUT",
        "/bucket",
        "versioning=",
        "<VersioningConfiguration><Status>NAME</Status></VersioningConfiguration>",
    ),
];

fn with(method: &'static str, path: &str, query: &str, document: &[u8]) -> Request {
    let md5 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, *md5::compute(document));
    Request::new(method, path).query(query).body(document).header("content-md5", md5)
}

#[tokio::test]
async fn a_document_with_a_doctype_or_too_deep_or_broken_is_refused_by_every_operation() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"kept"), b"kept").await;
    for (method, path, query, good) in OPERATIONS {
        let good = good.replace("NAME", "key");
        let root = good[1..].split('>').next().unwrap();
        for bad in [
            format!("<!DOCTYPE {root}>{good}"),
            format!(
                "<!DOCTYPE {root} [<!ENTITY a \"key\"><!ENTITY b \"&a;&a;\">]>{}",
                good.replace("key", "&b;")
            ),
            format!("<?xml version=\"1.0\"?>\n<!DOCTYPE {root} SYSTEM \"file:///etc/passwd\">{good}"),
            good.replace(
                &format!("</{root}>"),
                &format!("{}{}</{root}>", "<x>".repeat(1_000), "</x>".repeat(1_000)),
            ),
            good.replace(&format!("</{root}>"), &format!("{}</{root}>", "<x/>".repeat(100_001))),
            good.replace(&format!("</{root}>"), ""),
            good.replace("key", "&unknown;"),
            format!("{good}</{root}>"),
        ] {
            f.refused(&with(method, path, query, bad.as_bytes()), bad.as_bytes(), 400, "MalformedXML").await;
        }
    }
    assert_eq!(f.ok(&get("key"), b"").await, "kept");
    f.refused(&Request::new("GET", "/second"), b"", 404, "NoSuchBucket").await;
    f.finish().await;
}

#[tokio::test]
async fn cdata_is_the_text_that_it_holds() {
    let f = Fixture::new().await;
    for key in ["plain", "a<b>&c", "]]"] {
        f.ok(&put(key, b"x"), b"x").await;
        let list = format!("<Delete><Object><Key><![CDATA[{key}]]></Key></Object></Delete>");
        let said = f.ok(&with("POST", "/bucket", "delete=", list.as_bytes()), list.as_bytes()).await;
        assert!(said.contains("<Deleted>"), "{said}");
        f.absent(key).await;
    }
    f.finish().await;
}

#[tokio::test]
async fn a_document_beyond_4_mib_is_refused_and_the_connection_lives() {
    let f = Fixture::new().await;
    let mut connection = f.connect().await;
    for (method, path, query, good) in OPERATIONS {
        let document = good.replace("NAME", &" ".repeat(4 * MIB));
        // It is not worth being sent, so that its client need not be cut off.
        let request = with(method, path, query, document.as_bytes()).header("expect", "100-continue");
        f.refused(&request, b"", 400, "MaxMessageLengthExceeded").await;
        let small = f.signer.head(&get("absent"));
        connection.send(small.as_bytes()).await.unwrap();
        assert_eq!(connection.receive_text().await.unwrap().0.status, 404);
    }
    f.finish().await;
}

#[tokio::test]
async fn documents_that_do_not_arrive_take_no_room_from_others() {
    let f = Fixture::new().await;
    f.ok(&put("key", b"x"), b"x").await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        let mut request = Request::new("POST", "/bucket").query("delete=");
        (request.payload, request.length) = ("UNSIGNED-PAYLOAD".to_owned(), Some(4 * MIB as u64));
        let mut connection = f.connect().await;
        connection.send_request(&f.signer.head(&request), b"<Delete>").await.unwrap();
        silent.push(connection);
    }
    let list = b"<Delete><Object><Key>key</Key></Object></Delete>";
    f.ok(&with("POST", "/bucket", "delete=", list), list).await;
    f.absent("key").await;
    drop(silent);
    f.finish().await;
}

#[tokio::test]
async fn documents_beyond_the_room_of_all_are_put_off() {
    let f = Fixture::new().await;
    let mut request = Request::new("POST", "/bucket").query("delete=");
    // Less than what is read of a refused body: nobody is cut off before the answer.
    let length = 900 * 1024;
    (request.payload, request.length) = ("UNSIGNED-PAYLOAD".to_owned(), Some(length));
    let most = vec![b' '; usize::try_from(length).unwrap() - 1];
    let mut waiting = JoinSet::new();
    for _ in 0..40 {
        let mut connection = f.connect().await;
        connection.send_request(&f.signer.head(&request), &most).await.unwrap();
        waiting.spawn(async move { connection.receive_text().await });
    }
    // All wait for their last byte; whoever is answered without it found no room.
    let (answer, said) = waiting.join_next().await.unwrap().unwrap().unwrap();
    assert_refused(&answer, &said, 503, "SlowDown", "36 MB of documents in a room of 32 MiB");
    waiting.shutdown().await;
    let list = b"<Delete><Object><Key>key</Key></Object></Delete>";
    // The others have gone, but perhaps the server has not seen it yet.
    let request = with("POST", "/bucket", "delete=", list);
    for _ in 0..1_000 {
        if f.send(&request, list).await.0.status != 503 {
            break;
        }
    }
    f.ok(&request, list).await;
    f.finish().await;
}

#[tokio::test]
async fn no_operation_reads_a_document_around_the_guard() {
    let f = Fixture::new().await;
    let of_buckets = [
        "accelerate",
        "acl",
        "analytics",
        "cors",
        "encryption",
        "intelligent-tiering",
        "inventory",
        "lifecycle",
        "logging",
        "metrics",
        "notification",
        "object-lock",
        "ownershipControls",
        "policy",
        "publicAccessBlock",
        "replication",
        "requestPayment",
        "tagging",
        "versioning",
        "website",
    ];
    let buckets = of_buckets.map(|query| {
        (
            "PUT",
            "/bucket",
            match query {
                // These are routed by an id, too. The query is signed in the order of its names.
                "analytics" => "analytics=&id=x".to_owned(),
                "intelligent-tiering" | "inventory" | "metrics" => format!("id=x&{query}="),
                _ => format!("{query}="),
            },
        )
    });
    let objects = ["acl", "legal-hold", "retention", "tagging"]
        .map(|query| ("PUT", "/bucket/key", format!("{query}=")));
    let posts = [
        ("POST", "/bucket", "metadataTable="),
        ("POST", "/bucket/key", "select=&select-type=2"),
        ("POST", "/bucket/key", "restore="),
    ]
    .map(|(method, path, query)| (method, path, query.to_owned()));
    for (method, path, query) in buckets.into_iter().chain(objects).chain(posts) {
        // s3s, which holds nothing itself, would say MaxMessageLengthExceeded of a body that the guard left to it.
        let (answer, said) = f.send(&with(method, path, &query, b"<x/>"), b"<x/>").await;
        let code = said.split("<Code>").nth(1).unwrap_or_default().split('<').next().unwrap_or_default();
        assert!(
            matches!(code, "MalformedXML" | "NotImplemented"),
            "{method} {path}?{query}: {} {said}",
            answer.status
        );
    }
    f.absent("key").await;
    f.finish().await;
}
