//! Multipart uploads.

use std::time::Duration;

use http::{Extensions, HeaderValue};
use s3s::Body;

use super::Client;
use crate::server::Arrival;

const PART: usize = 5 << 20;

async fn create(client: &Client, uri: &str, headers: &[(&str, &str)]) -> String {
    let answer = client.send("POST", &format!("{uri}?uploads"), headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.one("UploadId")
}

fn list_of(parts: &[(u32, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}</CompleteMultipartUpload>"
    )
}

#[tokio::test]
async fn an_upload_becomes_an_object_when_completed_and_only_then() {
    let client = Client::with_bucket().await;
    let uri = "/bkt/a%26b";
    let id = create(&client, uri, &[("content-type", "a/b"), ("x-amz-meta-a", "1")]).await;
    let part = |n: u32| format!("{uri}?partNumber={n}&uploadId={id}");
    let one = client.put(&part(1), &[], vec![b'1'; PART]).await.header("etag").to_owned();
    let two = client.put(&part(2), &[], "end").await.header("etag").to_owned();
    assert_eq!(client.get(uri, &[]).await.status, 404);
    assert_eq!(client.get("/bkt?list-type=2", &[]).await.one("KeyCount"), "0");

    let complete = format!("{uri}?uploadId={id}");
    let list = list_of(&[(1, &one.replace('"', "&quot;")), (2, two.trim_matches('"'))]);
    let answer = client.send("POST", &complete, &[], list.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.one("Key"), answer.one("Bucket")),
        (200, "a&b".into(), "bkt".into())
    );
    assert_eq!(answer.one("Location"), "http://localhost:9000/bkt/a%26b");
    let etag = answer.one("ETag");
    assert!(etag.ends_with("-2\""), "{etag}");
    let host_id = HeaderValue::from_static("host");
    let mut extensions = Extensions::new();
    extensions.insert(Arrival { peer: ([127, 0, 0, 1], 1).into(), secure: true, host_id });
    let length = list.len().to_string();
    let length = [("content-length", length.as_str())];
    let again = client.send_body(("POST", &complete), &length, extensions, Body::from(list)).await;
    assert_eq!(again.one("Location"), "https://localhost:9000/bkt/a%26b");
    assert_eq!(
        (again.status.as_u16(), again.one("ETag")),
        (200, etag.clone()),
        "a repeated complete answers the same"
    );

    let whole = client.get(uri, &[]).await;
    assert_eq!(
        (whole.body.len(), whole.header("etag"), whole.header("content-type")),
        (PART + 3, etag.as_str(), "a/b")
    );
    for method in ["GET", "HEAD"] {
        let second = client.send(method, &format!("{uri}?partNumber=2"), &[], "").await;
        assert_eq!((second.status.as_u16(), second.header("x-amz-mp-parts-count")), (206, "2"));
        assert_eq!(second.header("content-range"), format!("bytes {PART}-{}/{}", PART + 2, PART + 3));
        assert_eq!(second.header("content-length"), "3");
        let third = client.send(method, &format!("{uri}?partNumber=3"), &[], "").await;
        assert_eq!(third.status, 416);
    }
    client.get(&format!("{uri}?partNumber=3"), &[]).await.refused(416, "InvalidPartNumber");
    client.get(&format!("{uri}?partNumber=0"), &[]).await.refused(400, "InvalidArgument");
    client
        .get(&format!("{uri}?partNumber=1"), &[("range", "bytes=0-1")])
        .await
        .refused(400, "InvalidRequest");
    let parts = client.get(&format!("{uri}?attributes"), &[("x-amz-object-attributes", "ObjectParts")]).await;
    assert_eq!(
        (parts.one("PartsCount"), parts.all("Size")),
        ("2".into(), vec![PART.to_string(), "3".into()])
    );
}

#[tokio::test]
async fn part_1_of_a_plain_object_is_the_whole() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[], "hello").await;
    client.put("/bkt/empty", &[], "").await;
    let whole = client.get("/bkt/k?partNumber=1", &[]).await;
    assert_eq!(
        (whole.status.as_u16(), whole.text(), whole.header("content-range")),
        (206, "hello", "bytes 0-4/5")
    );
    assert_eq!(client.get("/bkt/empty?partNumber=1", &[]).await.status, 200);
    client.get("/bkt/k?partNumber=2", &[]).await.refused(416, "InvalidPartNumber");
}

#[tokio::test]
async fn a_list_that_does_not_fit_the_parts_is_refused_and_the_upload_stays() {
    let client = Client::with_bucket().await;
    let id = create(&client, "/bkt/k", &[]).await;
    let complete = format!("/bkt/k?uploadId={id}");
    let mut etags = Vec::new();
    for number in 1..=2 {
        let uri = format!("/bkt/k?partNumber={number}&uploadId={id}");
        etags.push(client.put(&uri, &[], "small").await.header("etag").to_owned());
    }
    let (one, two) = (etags[0].as_str(), etags[1].as_str());
    for (list, status, code) in [
        (list_of(&[(1, one), (2, two)]), 400, "EntityTooSmall"),
        (list_of(&[(2, two), (1, one)]), 400, "InvalidPartOrder"),
        (list_of(&[(1, two)]), 400, "InvalidPart"),
        (list_of(&[(3, one)]), 400, "InvalidPart"),
        (list_of(&[]), 400, "MalformedXML"),
        (String::new(), 400, "MalformedXML"),
        (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>"
                .into(),
            400,
            "MalformedXML",
        ),
    ] {
        client.send("POST", &complete, &[], list).await.refused(status, code);
    }
    let one_part = list_of(&[(1, one)]);
    client
        .send("POST", &complete, &[("if-match", "\"x\"")], one_part.clone())
        .await
        .refused(404, "NoSuchKey");
    client
        .send("POST", &complete, &[("x-amz-mp-object-size", "6")], one_part.clone())
        .await
        .refused(400, "InvalidRequest");
    let done = client
        .send("POST", &complete, &[("if-none-match", "*"), ("x-amz-mp-object-size", "5")], one_part)
        .await;
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "small");
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let client = Client::with_bucket().await;
    let id = create(&client, "/bkt/k", &[]).await;
    let uri = format!("/bkt/k?uploadId={id}");
    assert_eq!(client.send("DELETE", &uri, &[], "").await.status, 204);
    client.send("DELETE", &uri, &[], "").await.refused(404, "NoSuchUpload");
    client.get(&uri, &[]).await.refused(404, "NoSuchUpload");
    client.send("PUT", &format!("{uri}&partNumber=1"), &[], "x").await.refused(404, "NoSuchUpload");
    client.send("PUT", "/bkt/k?uploadId=no-id&partNumber=1", &[], "x").await.refused(404, "NoSuchUpload");
    client.send("PUT", &format!("{uri}&partNumber=10001"), &[], "x").await.refused(400, "InvalidArgument");
    client.send("POST", &uri, &[], list_of(&[(1, "x-1")])).await.refused(404, "NoSuchUpload");
}

#[tokio::test]
async fn parts_are_listed_by_pages() {
    let client = Client::with_bucket().await;
    let id = create(
        &client,
        "/bkt/k",
        &[
            ("x-amz-checksum-algorithm", "crc32"),
            ("x-amz-checksum-type", "FULL_OBJECT"),
            ("x-amz-storage-class", "STANDARD_IA"),
        ],
    )
    .await;
    for number in [1, 3, 5] {
        client.put(&format!("/bkt/k?partNumber={number}&uploadId={id}"), &[], "xy").await;
    }
    let page = client.get(&format!("/bkt/k?uploadId={id}&max-parts=2"), &[]).await;
    assert_eq!(
        (page.all("PartNumber"), page.one("IsTruncated")),
        (vec!["1".into(), "3".into()], "true".into())
    );
    assert_eq!((page.one("NextPartNumberMarker"), page.one("MaxParts")), ("3".into(), "2".into()));
    assert_eq!(
        (page.one("ChecksumAlgorithm"), page.one("ChecksumType"), page.one("StorageClass")),
        ("CRC32".into(), "FULL_OBJECT".into(), "STANDARD_IA".into())
    );
    assert_eq!((page.one("UploadId"), page.one("Key")), (id.clone(), "k".into()));
    let rest = client.get(&format!("/bkt/k?uploadId={id}&part-number-marker=3"), &[]).await;
    assert_eq!(
        (rest.all("PartNumber"), rest.one("IsTruncated"), rest.one("Size")),
        (vec!["5".into()], "false".into(), "2".into())
    );
    assert!(rest.one("ETag").ends_with("-1\""));
}

#[tokio::test]
async fn open_uploads_are_listed_by_key_and_then_by_age() {
    let client = Client::with_bucket().await;
    let mut ids = Vec::new();
    for key in ["a/1", "b", "b", "c%26"] {
        client.clock.advance(Duration::from_millis(10));
        ids.push(create(&client, &format!("/bkt/{key}"), &[]).await);
    }
    let first = client.get("/bkt?uploads&max-uploads=2&delimiter=/", &[]).await;
    assert_eq!((first.all("UploadId"), first.one("IsTruncated")), (vec![ids[1].clone()], "true".into()));
    assert_eq!(first.one("CommonPrefixes"), "<Prefix>a/</Prefix>");
    let (key, id) = (first.one("NextKeyMarker"), first.one("NextUploadIdMarker"));
    assert_eq!((key.as_str(), id.as_str()), ("b", ids[1].as_str()));
    let rest = client
        .get(&format!("/bkt?uploads&key-marker={key}&upload-id-marker={id}&encoding-type=url"), &[])
        .await;
    assert_eq!((rest.all("UploadId"), rest.all("Key")), (ids[2..].to_vec(), vec!["b".into(), "c%26".into()]));
    assert_eq!(
        (rest.one("KeyMarker"), rest.one("UploadIdMarker"), rest.one("IsTruncated")),
        (key, id, "false".into())
    );
    assert_eq!(client.get("/bkt?uploads&prefix=c", &[]).await.all("Key"), ["c&"]);
    client.get("/bkt?uploads&key-marker=a&upload-id-marker=x", &[]).await.refused(400, "InvalidArgument");
}

#[tokio::test]
async fn parts_are_copied_from_objects() {
    let client = Client::with_bucket().await;
    client.put("/bkt/src", &[], "0123456789").await;
    let id = create(&client, "/bkt/k", &[]).await;
    let uri = format!("/bkt/k?partNumber=1&uploadId={id}");
    let source = ("x-amz-copy-source", "/bkt/src");
    let copied = client.put(&uri, &[source, ("x-amz-copy-source-range", "bytes=2-4")], "").await;
    let list = list_of(&[(1, &copied.one("ETag"))]);
    for refused in ["bytes=2-", "bytes=5-10", "2-4"] {
        let answer = client.send("PUT", &uri, &[source, ("x-amz-copy-source-range", refused)], "").await;
        assert_eq!(answer.status, 400, "{refused}: {}", answer.text());
    }
    client
        .send("PUT", &uri, &[source, ("x-amz-copy-source-if-match", "\"x\"")], "")
        .await
        .refused(412, "PreconditionFailed");
    assert_eq!(client.send("POST", &format!("/bkt/k?uploadId={id}"), &[], list).await.status, 200);
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "234");
}
