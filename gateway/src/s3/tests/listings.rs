//! Listings of objects.

use super::{Answer, Client};

async fn with_keys(keys: &[&str]) -> Client {
    let client = Client::with_bucket().await;
    for key in keys {
        client.put(&format!("/bkt/{key}"), &[], key.to_string()).await;
    }
    client
}

fn keys(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.all("Key")
}

fn folded(answer: &Answer) -> Vec<String> {
    answer.all("CommonPrefixes").iter().map(|p| p.replace("<Prefix>", "").replace("</Prefix>", "")).collect()
}

#[tokio::test]
async fn version_2_pages_through_everything_once() {
    let client = with_keys(&["a", "a/", "a/b", "b", "c/d", "c/e", "z"]).await;
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let uri = format!("/bkt?list-type=2&max-keys=3&continuation-token={token}");
        let page = client.get(&uri, &[]).await;
        assert_eq!(page.one("KeyCount"), keys(&page).len().to_string());
        assert_eq!((page.one("MaxKeys"), page.one("Name")), ("3".into(), "bkt".into()));
        assert_eq!(page.one("ContinuationToken"), token);
        seen.extend(keys(&page));
        token = page.one("NextContinuationToken");
        assert_eq!(page.one("IsTruncated"), (!token.is_empty()).to_string());
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a", "a/", "a/b", "b", "c/d", "c/e", "z"]);
    client.get("/bkt?list-type=2&continuation-token=x", &[]).await.refused(400, "InvalidArgument");
    client.get("/nowhere?list-type=2", &[]).await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn an_entry_says_what_a_head_says() {
    let client = Client::with_bucket().await;
    let etag = client.put("/bkt/k", &[("x-amz-storage-class", "GLACIER_IR")], "hello").await;
    let page = client.get("/bkt?list-type=2", &[]).await;
    assert_eq!(page.one("ETag"), etag.header("etag"));
    assert_eq!(page.one("LastModified"), "2026-01-02T03:04:05.000Z");
    assert_eq!((page.one("Size"), page.one("StorageClass")), ("5".into(), "GLACIER_IR".into()));
    assert_eq!(page.one("Owner"), "");
    let owned = client.get("/bkt?list-type=2&fetch-owner=true", &[]).await;
    assert_eq!(owned.one("Owner"), "<ID>terrace</ID><DisplayName>terrace</DisplayName>");
    assert_eq!(client.get("/bkt", &[]).await.one("ID"), "terrace", "version 1 always says the owner");
}

#[tokio::test]
async fn a_delimiter_folds_and_an_empty_one_does_not() {
    let client = with_keys(&["a", "a/", "a/b", "b/1", "b/2", "c"]).await;
    let page = client.get("/bkt?list-type=2&delimiter=%2F", &[]).await;
    assert_eq!((keys(&page), folded(&page)), (vec!["a".into(), "c".into()], vec!["a/".into(), "b/".into()]));
    assert_eq!(page.one("KeyCount"), "4");
    let page = client.get("/bkt?list-type=2&delimiter=&prefix=&fetch-owner=true", &[]).await;
    assert_eq!((keys(&page).len(), page.one("Delimiter")), (6, String::new()));
    let page = client.get("/bkt?list-type=2&delimiter=/&prefix=b/", &[]).await;
    assert_eq!((keys(&page), folded(&page).len()), (vec!["b/1".into(), "b/2".into()], 0));
    let page = client.get("/bkt?list-type=2&start-after=a%2F", &[]).await;
    assert_eq!((keys(&page)[0].as_str(), page.one("StartAfter")), ("a/b", "a/".into()));
    let mut seen = Vec::new();
    let mut marker = String::new();
    loop {
        let page = client.get(&format!("/bkt?delimiter=/&max-keys=1&marker={marker}"), &[]).await;
        seen.extend(keys(&page).into_iter().chain(folded(&page)));
        assert_eq!(page.one("Marker"), marker);
        marker = page.one("NextMarker");
        if marker.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a", "a/", "b/", "c"]);
}

#[tokio::test]
async fn version_1_repeats_the_last_key_only_under_a_delimiter() {
    let client = with_keys(&["a", "b", "c"]).await;
    let page = client.get("/bkt?max-keys=2", &[]).await;
    assert_eq!(
        (keys(&page).len(), page.one("IsTruncated"), page.one("NextMarker")),
        (2, "true".into(), String::new())
    );
    let page = client.get("/bkt?marker=b", &[]).await;
    assert_eq!((keys(&page), page.one("IsTruncated")), (vec!["c".into()], "false".into()));
}

#[tokio::test]
async fn limits_are_clamped_and_nothing_is_never_truncated() {
    let client = with_keys(&["a", "b"]).await;
    for uri in ["/bkt?max-keys=0", "/bkt?list-type=2&max-keys=0"] {
        let page = client.get(uri, &[]).await;
        assert_eq!((keys(&page).len(), page.one("IsTruncated")), (0, "false".into()));
        assert_eq!((page.one("MaxKeys"), page.one("NextContinuationToken")), ("0".into(), String::new()));
    }
    let page = client.get("/bkt?list-type=2&max-keys=5000", &[]).await;
    assert_eq!((keys(&page).len(), page.one("MaxKeys")), (2, "1000".into()));
    for bad in ["-1", "x", "99999999999"] {
        client.get(&format!("/bkt?list-type=2&max-keys={bad}"), &[]).await.refused(400, "InvalidArgument");
    }
}

#[tokio::test]
async fn keys_are_url_encoded_when_asked_and_only_then() {
    let odd = ["a%20b%2Bc%25d", "%26%3C%3E%22'", "%0D%0A%01", "%F0%9D%84%9E%C3%A4", "p%26/x"];
    let client = with_keys(&odd).await;
    let raw: Vec<String> =
        vec!["\r\n\u{1}".into(), "&<>\"'".into(), "a b+c%d".into(), "p&/x".into(), "𝄞ä".into()];
    for version in ["", "list-type=2&"] {
        let plain = client.get(&format!("/bkt?{version}"), &[]).await;
        assert_eq!((keys(&plain), plain.one("EncodingType")), (raw.clone(), String::new()));
        let url =
            client.get(&format!("/bkt?{version}encoding-type=url&delimiter=%26%2F&prefix=p"), &[]).await;
        assert_eq!((url.one("EncodingType"), url.one("Delimiter")), ("url".into(), "%26/".into()));
        assert_eq!(folded(&url), ["p%26/"]);
        let url = client.get(&format!("/bkt?{version}encoding-type=url"), &[]).await;
        assert_eq!(
            keys(&url),
            ["%0D%0A%01", "%26%3C%3E%22%27", "a%20b%2Bc%25d", "p%26/x", "%F0%9D%84%9E%C3%A4"]
        );
        client.get(&format!("/bkt?{version}encoding-type=x"), &[]).await.refused(400, "InvalidArgument");
    }
    assert!(client.get("/bkt", &[]).await.text().contains("&#xD;&#xA;&#x1;"));
}

#[tokio::test]
async fn versions_of_a_bucket_without_versioning_are_its_objects() {
    let client = with_keys(&["a", "b%26/1", "b%26/2", "c%20+", "d"]).await;
    let (mut seen, mut prefixes, mut marker) = (Vec::new(), Vec::new(), String::new());
    loop {
        let uri = format!("/bkt?versions&max-keys=2&delimiter=/&encoding-type=url&key-marker={marker}");
        let page = client.get(&uri, &[]).await;
        assert!(page.text().contains("<ListVersionsResult"));
        assert_eq!(page.all("VersionId").len(), page.all("Version").len());
        assert!(page.all("VersionId").iter().all(|id| id == "null"));
        assert!(page.all("IsLatest").iter().all(|latest| latest == "true"));
        assert_eq!(
            (page.all("Owner").len(), page.all("ETag").len()),
            (page.all("Version").len(), page.all("Version").len())
        );
        seen.extend(page.all("Key"));
        prefixes.extend(folded(&page));
        marker = page.one("NextKeyMarker");
        let ends_on_a_key = page.all("Key").last() == Some(&marker);
        assert_eq!(page.one("NextVersionIdMarker"), if ends_on_a_key { "null" } else { "" });
        if page.one("IsTruncated") == "false" {
            break;
        }
    }
    assert_eq!((seen, prefixes), (vec!["a".into(), "c%20%2B".into(), "d".into()], vec!["b%26/".to_owned()]));
    let last = client.get("/bkt?versions&key-marker=c%20%2B&version-id-marker=null", &[]).await;
    assert_eq!(last.all("Key"), ["d"]);
    client.get("/bkt?versions&version-id-marker=null", &[]).await.refused(400, "InvalidArgument");
    client.get("/nowhere?versions", &[]).await.refused(404, "NoSuchBucket");
    // What is listed can be deleted by its version.
    assert_eq!(client.send("DELETE", "/bkt/d?versionId=null", &[], "").await.status, 204);
    assert_eq!(client.get("/bkt/d", &[]).await.status, 404);
}

#[tokio::test]
async fn odd_keys_are_escaped_in_the_listings_of_uploads_and_parts() {
    let client = Client::with_bucket().await;
    let (escaped, raw) = ("%26%3Ca%20%2B%25%0D%01%22%F0%9D%84%9E", "&<a +%\r\u{1}\"𝄞");
    let id = client.send("POST", &format!("/bkt/{escaped}?uploads"), &[], "").await;
    assert_eq!(id.one("Key"), raw);
    let id = id.one("UploadId");
    let part = format!("/bkt/{escaped}?partNumber=1&uploadId={id}");
    client.put(&part, &[], "x").await;
    let plain = client.get("/bkt?uploads", &[]).await;
    assert_eq!(plain.one("Key"), raw);
    let url = client.get(&format!("/bkt?uploads&encoding-type=url&prefix={escaped}"), &[]).await;
    assert_eq!((url.one("Key"), url.one("Prefix")), (escaped.to_owned(), escaped.to_owned()));
    let parts = client.get(&format!("/bkt/{escaped}?uploadId={id}"), &[]).await;
    assert_eq!((parts.one("Key"), parts.all("PartNumber")), (raw.to_owned(), vec!["1".to_owned()]));
}
