//! Objects: put, get, head, delete, attributes.

use super::Client;

const MODIFIED: &str = "Fri, 02 Jan 2026 03:04:05 GMT";

#[tokio::test]
async fn an_object_comes_back_with_all_that_was_said_of_it() {
    let client = Client::with_bucket().await;
    let said = [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "max-age=60"),
        ("content-disposition", "attachment; filename=\"ä.txt\""),
        ("content-encoding", "gzip"),
        ("content-language", "de-DE"),
        ("expires", "not a date"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-website-redirect-location", "/there"),
        ("x-amz-meta-mtime", "1700000000.5; x=y"),
        ("x-amz-meta-ümlaut", ""),
        ("x-amz-meta-utf8", "grün"),
    ];
    let said: Vec<_> = said.into_iter().filter(|(name, _)| name.is_ascii()).collect();
    let put = client.put("/bkt/a/b%20c", &said, "hello").await;
    let etag = put.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with("-1\"") && etag.len() == 36, "{etag}");
    for method in ["GET", "HEAD"] {
        let answer = client.send(method, "/bkt/a/b%20c", &[], "").await;
        assert_eq!(answer.status, 200);
        for (name, value) in &said {
            assert_eq!(answer.header(name), *value, "{method} {name}");
        }
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("last-modified"), MODIFIED);
        assert_eq!(answer.header("content-length"), "5");
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("content-range"), "");
        assert_eq!(answer.text(), if method == "GET" { "hello" } else { "" });
    }
    client.put("/bkt/plain", &[], "").await;
    let plain = client.get("/bkt/plain", &[]).await;
    assert_eq!((plain.header("content-type"), plain.header("content-length")), ("binary/octet-stream", "0"));
    assert_eq!(plain.header("x-amz-storage-class"), "");
    client
        .send("PUT", "/bkt/k", &[("x-amz-storage-class", "FAST")], "")
        .await
        .refused(400, "InvalidStorageClass");
    let large = "v".repeat(2_049);
    client.send("PUT", "/bkt/k", &[("x-amz-meta-a", &large)], "").await.refused(400, "MetadataTooLarge");
}

#[tokio::test]
async fn headers_of_an_answer_can_be_overridden() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[("content-type", "a/b"), ("cache-control", "x")], "x").await;
    let uri = "/bkt/k?response-content-type=text%2Fplain&response-cache-control=no-store&response-content-disposition=inline\
               &response-content-encoding=br&response-content-language=en&response-expires=Thu%2C%2001%20Jan%201970%2000%3A00%3A09%20GMT";
    for method in ["GET", "HEAD"] {
        let answer = client.send(method, uri, &[], "").await;
        assert_eq!(answer.header("content-type"), "text/plain");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-disposition"), "inline");
        assert_eq!(answer.header("content-encoding"), "br");
        assert_eq!(answer.header("content-language"), "en");
        assert_eq!(answer.header("expires"), "Thu, 01 Jan 1970 00:00:09 GMT");
    }
}

#[tokio::test]
async fn ranges_are_served_clamped_ignored_or_refused() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[], "0123456789").await;
    client.put("/bkt/empty", &[], "").await;
    for (range, body, shown) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-", "3456789", "bytes 3-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let headers = [("range", range), ("x-amz-checksum-mode", "ENABLED")];
        let part = client.get("/bkt/k", &headers).await;
        assert_eq!((part.status.as_u16(), part.text(), part.header("content-range")), (206, body, shown));
        assert_eq!(part.header("content-length"), body.len().to_string());
        let head = client.send("HEAD", "/bkt/k", &headers, "").await;
        assert_eq!((head.status.as_u16(), head.header("content-range")), (206, shown));
        assert_eq!(head.header("content-length"), body.len().to_string());
    }
    for ignored in ["bytes=0-1,3-4", "bytes=a-b", "lines=1-2", "x"] {
        let whole = client.get("/bkt/k", &[("range", ignored)]).await;
        assert_eq!((whole.status.as_u16(), whole.text()), (200, "0123456789"), "{ignored}");
    }
    for (uri, range, size) in
        [("/bkt/k", "bytes=10-", "10"), ("/bkt/k", "bytes=-0", "10"), ("/bkt/empty", "bytes=0-", "0")]
    {
        let refused = client.get(uri, &[("range", range)]).await;
        refused.refused(416, "InvalidRange");
        assert_eq!(refused.header("content-range"), format!("bytes */{size}"));
    }
}

#[tokio::test]
async fn conditions_of_reads_follow_rfc_9110() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[], "x").await.header("etag").to_owned();
    let weak = format!("\"other\", W/{etag}");
    let list = format!("\"other\", {etag}");
    for (condition, status) in [
        (("if-match", etag.as_str()), 200),
        (("if-match", etag.trim_matches('"')), 200),
        (("if-match", list.as_str()), 200),
        (("if-match", "*"), 200),
        (("if-match", weak.as_str()), 412),
        (("if-match", "\"other\""), 412),
        (("if-none-match", etag.as_str()), 304),
        (("if-none-match", weak.as_str()), 304),
        (("if-none-match", "\"other\""), 200),
        (("if-modified-since", MODIFIED), 304),
        (("if-modified-since", "Fri, 02 Jan 2026 03:04:04 GMT"), 200),
        (("if-modified-since", "whenever"), 200),
        (("if-unmodified-since", MODIFIED), 200),
        (("if-unmodified-since", "Friday, 02-Jan-26 03:04:04 GMT"), 412),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = client.send(method, "/bkt/k", &[condition], "").await;
            assert_eq!(answer.status.as_u16(), status, "{method} {condition:?}");
            if status == 304 {
                assert_eq!(
                    (answer.header("etag"), answer.header("last-modified")),
                    (etag.as_str(), MODIFIED)
                );
                assert!(answer.body.is_empty() && answer.header("content-type").is_empty());
            }
        }
    }
    client.get("/bkt/k", &[("if-match", "\"other\"")]).await.refused(412, "PreconditionFailed");
}

#[tokio::test]
async fn conditions_of_writes_decide_inside_the_write() {
    let client = Client::with_bucket().await;
    client.send("PUT", "/bkt/k", &[("if-match", "\"x\"")], "1").await.refused(404, "NoSuchKey");
    let etag = client.put("/bkt/k", &[("if-none-match", "*")], "1").await.header("etag").to_owned();
    client.send("PUT", "/bkt/k", &[("if-none-match", "*")], "2").await.refused(412, "PreconditionFailed");
    client.send("PUT", "/bkt/k", &[("if-match", "\"x\"")], "2").await.refused(412, "PreconditionFailed");
    client.send("DELETE", "/bkt/k", &[("if-match", "\"x\"")], "").await.refused(412, "PreconditionFailed");
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "1");
    client.put("/bkt/k", &[("if-match", &etag)], "2").await;
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "2");
}

#[tokio::test]
async fn a_range_is_served_of_what_its_client_has_and_else_the_whole() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[], "0123456789").await.header("etag").to_owned();
    let weak = format!("W/{etag}");
    for (if_range, status, body) in [
        (etag.as_str(), 206, "12"),
        ("Fri, 02 Jan 2026 03:04:05 GMT", 206, "12"),
        ("Fri, 02 Jan 2026 03:04:06 GMT", 200, "0123456789"),
        ("\"other\"", 200, "0123456789"),
        (weak.as_str(), 200, "0123456789"),
        ("soon", 200, "0123456789"),
    ] {
        let got = client.get("/bkt/k", &[("range", "bytes=1-2"), ("if-range", if_range)]).await;
        assert_eq!((got.status.as_u16(), got.text()), (status, body), "{if_range}");
    }
    // A range that cannot be served is no error to a client that has something else.
    let beyond = [("range", "bytes=99-"), ("if-range", "\"other\"")];
    assert_eq!(client.get("/bkt/k", &beyond).await.status, 200);
}

#[tokio::test]
async fn a_deletion_meets_the_time_and_size_that_it_names() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[], "0123456789").await;
    let (time, size) = ("x-amz-if-match-last-modified-time", "x-amz-if-match-size");
    for (condition, status, code) in [
        ((time, "Fri, 02 Jan 2026 03:04:06 GMT"), 412, "PreconditionFailed"),
        ((size, "9"), 412, "PreconditionFailed"),
        ((time, "soon"), 400, "InvalidArgument"),
        ((size, "ten"), 400, "InvalidArgument"),
    ] {
        client.send("DELETE", "/bkt/k", &[condition], "").await.refused(status, code);
    }
    client.send("PUT", "/bkt/k", &[(size, "10")], "").await.refused(501, "NotImplemented");
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "0123456789");
    let both = [(time, "Fri, 02 Jan 2026 03:04:05 GMT"), (size, "10")];
    for _ in 0..2 {
        assert_eq!(client.send("DELETE", "/bkt/k", &both, "").await.status, 204);
    }
    client.put("/bkt/a", &[], "1").await;
    client.put("/bkt/b", &[], "22").await;
    let date = "Fri, 02 Jan 2026 03:04:05 GMT";
    let list = format!(
        "<Delete><Object><Key>a</Key><Size>2</Size></Object><Object><Key>b</Key><Size>2</Size><LastModifiedTime>{date}\
         </LastModifiedTime></Object><Object><Key>none</Key><Size>3</Size></Object></Delete>"
    );
    let deleted = client.send("POST", "/bkt?delete", &[], list).await;
    assert_eq!(deleted.one("Code"), "PreconditionFailed");
    assert_eq!(deleted.all("Key"), ["a", "b", "none"]);
    assert_eq!(client.get("/bkt", &[]).await.all("Key"), ["a"]);
}

#[tokio::test]
async fn a_sub_resource_that_is_not_there_deletes_and_writes_nothing() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[], "x").await;
    for (method, uri) in [
        ("DELETE", "/bkt/k?acl"),
        ("DELETE", "/bkt/k?retention"),
        ("DELETE", "/bkt/k?uploads"),
        ("PUT", "/bkt/k?versions"),
        ("PUT", "/other?location"),
        ("DELETE", "/bkt?acl"),
        ("DELETE", "/bkt?versioning"),
    ] {
        client.send(method, uri, &[], "").await.refused(405, "MethodNotAllowed");
    }
    client.get("/bkt?abac", &[]).await.refused(501, "NotImplemented");
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "x");
    assert_eq!(client.get("/other", &[]).await.status, 404);
}

#[tokio::test]
async fn a_read_of_nothing_says_what_is_missing() {
    let client = Client::with_bucket().await;
    client.get("/bkt/k", &[]).await.refused(404, "NoSuchKey");
    client.get("/nowhere/k", &[]).await.refused(404, "NoSuchBucket");
    for uri in ["/bkt/k", "/nowhere/k"] {
        let head = client.send("HEAD", uri, &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    }
    assert_eq!(client.send("DELETE", "/bkt/k", &[], "").await.status, 204);
    client.send("DELETE", "/nowhere/k", &[], "").await.refused(404, "NoSuchBucket");
    client.get(&format!("/bkt/{}", "k".repeat(1_025)), &[]).await.refused(400, "KeyTooLongError");
    client.get("/bkt/k?versionId=x", &[]).await.refused(404, "NoSuchVersion");
    client.put("/bkt/k", &[], "x").await;
    assert_eq!(client.get("/bkt/k?versionId=null", &[]).await.text(), "x");
    client.send("PUT", "/bkt/k?uploadId=1", &[], "y").await.refused(400, "InvalidArgument");
    assert_eq!(client.get("/bkt/k", &[]).await.text(), "x");
}

#[tokio::test]
async fn keys_are_bytes_and_never_paths() {
    let client = Client::with_bucket().await;
    let long = "k".repeat(1_024);
    let keys = [
        "x", "x/", "x/y", "x//", "/", "//x", "..", "a%2Fb", "a%252Fb", "a+b", "a%20b", "%C3%A4", "%09", &long,
    ];
    for (at, key) in keys.iter().enumerate() {
        client.put(&format!("/bkt/{key}"), &[], at.to_string()).await;
    }
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(client.get(&format!("/bkt/{key}"), &[]).await.text(), at.to_string(), "{key}");
    }
    client.get("/bkt/%FF", &[]).await.refused(400, "InvalidURI");
}

#[tokio::test]
async fn many_keys_are_deleted_each_with_its_own_outcome() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/a%26b", &[], "x").await.header("etag").to_owned();
    client.put("/bkt/c", &[], "x").await;
    client.put("/bkt/d", &[], "x").await;
    let body = format!(
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&amp;b</Key><ETag>{}</ETag></Object>\
         <Object><Key>missing&#13;</Key></Object><Object><Key>c</Key><ETag>\"other\"</ETag></Object>\
         <Object><Key>{}</Key></Object><Object><Key>d</Key><VersionId>v</VersionId></Object></Delete>",
        etag.replace('"', "&quot;"),
        "k".repeat(1_025)
    );
    for uri in ["/bkt?delete", "/bkt/?delete"] {
        let answer = client.send("POST", uri, &[], body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let deleted: Vec<_> = answer.all("Deleted");
        if uri == "/bkt?delete" {
            assert_eq!(deleted, ["<Key>a&b</Key>", "<Key>missing\r</Key>"]);
            assert_eq!(answer.all("Code"), ["PreconditionFailed", "KeyTooLongError", "NoSuchVersion"]);
        } else {
            assert_eq!(deleted, ["<Key>missing\r</Key>"], "If-Match on nothing is an error");
            assert_eq!(answer.all("Code")[0], "NoSuchKey");
        }
    }
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>c</Key></Object></Delete>";
    let answer = client.send("POST", "/bkt?delete", &[], quiet).await;
    assert!(answer.status == 200 && answer.all("Deleted").is_empty() && answer.all("Error").is_empty());
    assert_eq!(client.get("/bkt/c", &[]).await.status, 404);
    assert_eq!(client.get("/bkt/d", &[]).await.status, 200);
    let many: String = (0..1_001).map(|n| format!("<Object><Key>{n}</Key></Object>")).collect();
    for bad in
        [format!("<Delete>{many}</Delete>"), "<Delete></Delete>".into(), "<Delete><Object/></Delete>".into()]
    {
        client.send("POST", "/bkt?delete", &[], bad).await.refused(400, "MalformedXML");
    }
    let none = "<Delete><Object><Key></Key></Object></Delete>";
    client.send("POST", "/nowhere?delete", &[], none).await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn attributes_are_those_asked_for() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[], "hello").await.header("etag").to_owned();
    let ask = |list: &'static str| [("x-amz-object-attributes", list)];
    let answer = client.get("/bkt/k?attributes", &ask("ETag, ObjectSize")).await;
    assert_eq!((answer.status.as_u16(), answer.header("last-modified")), (200, MODIFIED));
    assert_eq!(answer.one("ETag"), etag.trim_matches('"'));
    assert_eq!((answer.one("ObjectSize"), answer.one("StorageClass")), ("5".into(), String::new()));
    let answer = client.get("/bkt/k?attributes", &ask("StorageClass,ObjectParts,Checksum")).await;
    assert_eq!((answer.one("StorageClass"), answer.one("ObjectParts")), ("STANDARD".into(), String::new()));
    client.get("/bkt/k?attributes", &ask("Everything")).await.refused(400, "InvalidArgument");
    client.get("/bkt/x?attributes", &ask("ETag")).await.refused(404, "NoSuchKey");
}

#[tokio::test]
async fn access_lists_and_tags_of_an_object_are_the_defaults() {
    let client = Client::with_bucket().await;
    client.put("/bkt/k", &[], "x").await;
    assert_eq!(client.get("/bkt/k?acl", &[]).await.one("Permission"), "FULL_CONTROL");
    let tags = client.get("/bkt/k?tagging", &[]).await;
    assert!(tags.status == 200 && tags.text().contains("<TagSet></TagSet>"), "{}", tags.text());
    client.get("/bkt/x?acl", &[]).await.refused(404, "NoSuchKey");
    client.get("/bkt/x?tagging", &[]).await.refused(404, "NoSuchKey");
}
