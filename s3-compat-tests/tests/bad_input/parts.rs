//! Uploads that are not there, and lists of parts that cannot be completed.

use s3_compat_tests::body;
use s3_compat_tests::sign::{Request, escape_query};

use super::{Fixture, MIB};

/// An upload that has been opened, and the ETags of its parts.
struct Upload<'f> {
    f: &'f Fixture,
    id: String,
}

impl Upload<'_> {
    async fn create(f: &Fixture) -> Upload<'_> {
        let said = f.ok(&Request::new("POST", "/bucket/key").query("uploads=").body(b""), b"").await;
        let (_, rest) = said.split_once("<UploadId>").unwrap();
        Upload { f, id: escape_query(rest.split_once("</UploadId>").unwrap().0) }
    }

    async fn part(&self, number: u32, body: &[u8]) -> String {
        let query = format!("partNumber={number}&uploadId={}", self.id);
        let (answer, said) =
            self.f.send(&Request::new("PUT", "/bucket/key").query(&query).body(body), body).await;
        assert_eq!(answer.status, 200, "{said}");
        answer.header("etag").unwrap().to_owned()
    }

    fn request(&self, list: &str) -> Request {
        Request::new("POST", "/bucket/key").query(&format!("uploadId={}", self.id)).body(list.as_bytes())
    }

    async fn refused(&self, list: &str, code: &str) {
        self.f.refused(&self.request(list), list.as_bytes(), 400, code).await;
        self.f.absent("key").await;
    }

    async fn abort(self) {
        self.f.ok(&Request::new("DELETE", "/bucket/key").query(&format!("uploadId={}", self.id)), b"").await;
    }
}

fn list(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        let etag = etag.replace('"', "&quot;");
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    };
    format!(
        "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
        parts.iter().map(part).collect::<String>()
    )
}

#[tokio::test]
async fn an_upload_that_was_never_opened_is_not_there() {
    let f = Fixture::new().await;
    let ids = [
        "nonsense",
        "0190b6a0-0000-7000-8000-000000000000",
        "0190b6a0000070008000000000000000",
        "%2F..%2F",
        "%00",
    ];
    for id in ids {
        let upload =
            |method, query: &str| Request::new(method, "/bucket/key").query(&format!("{query}uploadId={id}"));
        f.refused(&upload("PUT", "partNumber=1&").body(b"part"), b"part", 404, "NoSuchUpload").await;
        f.refused(&upload("GET", ""), b"", 404, "NoSuchUpload").await;
        f.refused(&upload("DELETE", ""), b"", 404, "NoSuchUpload").await;
        let parts = list(&[(1, "\"0-1\"")]);
        f.refused(&upload("POST", "").body(parts.as_bytes()), parts.as_bytes(), 404, "NoSuchUpload").await;
    }
    let upload = Upload::create(&f).await;
    let elsewhere =
        Request::new("PUT", "/bucket/other").query(&format!("partNumber=1&uploadId={}", upload.id));
    f.refused(&elsewhere.body(b"part"), b"part", 404, "NoSuchUpload").await;
    upload.abort().await;
    f.finish().await;
}

#[tokio::test]
async fn a_large_part_for_an_upload_that_is_not_there_leaves_nothing() {
    let f = Fixture::new().await;
    let body = body::random(3 * MIB, 1);
    let upload = Upload::create(&f).await;
    let query = format!("partNumber=1&uploadId={}", upload.id);
    upload.abort().await;
    f.refused(&Request::new("PUT", "/bucket/key").query(&query).body(&body), &body, 404, "NoSuchUpload")
        .await;
    f.finish().await;
}

#[tokio::test]
async fn a_list_of_parts_that_is_wrong_is_refused_and_the_upload_stays() {
    let f = Fixture::new().await;
    let upload = Upload::create(&f).await;
    let large = body::random(5 * MIB, 1);
    let (one, two) = (upload.part(1, &large).await, upload.part(2, b"the end").await);
    let three = upload.part(3, b"more").await;

    upload.refused(&list(&[(2, &two), (1, &one)]), "InvalidPartOrder").await;
    upload.refused(&list(&[(1, &one), (1, &one)]), "InvalidPartOrder").await;
    upload.refused(&list(&[(1, &one), (2, &two), (3, &three)]), "EntityTooSmall").await;
    upload.refused(&list(&[(1, &one), (4, &two)]), "InvalidPart").await;
    upload.refused(&list(&[(1, &two)]), "InvalidPart").await;
    upload.refused(&list(&[(1, "\"00000000000000000000000000000000-1\"")]), "InvalidPart").await;
    upload.refused(&list(&[]), "MalformedXML").await;
    for nonsense in [
        "",
        "parts",
        "<CompleteMultipartUpload>",
        "<a><b></a></b>",
        &list(&[(1, &one)]).replace("PartNumber", "N"),
    ] {
        upload.refused(nonsense, "MalformedXML").await;
    }

    let good = list(&[(1, &one), (2, &two)]);
    let said = f.ok(&upload.request(&good), good.as_bytes()).await;
    assert!(said.contains("CompleteMultipartUploadResult"), "{said}");
    let (answer, _) = f.send(&Request::new("HEAD", "/bucket/key"), b"").await;
    assert_eq!(answer.header("content-length"), Some((5 * MIB + 7).to_string().as_str()));
    let other = list(&[(1, &one)]);
    f.refused(&upload.request(&other), other.as_bytes(), 400, "InvalidPart").await;
    f.finish().await;
}

#[tokio::test]
async fn a_part_number_beyond_1_to_10000_is_refused() {
    let f = Fixture::new().await;
    let upload = Upload::create(&f).await;
    for number in ["0", "10001", "-1", "one", "4294967297", ""] {
        let query = format!("partNumber={number}&uploadId={}", upload.id);
        let request = Request::new("PUT", "/bucket/key").query(&query).body(b"part");
        f.refused(&request, b"part", 400, "InvalidArgument").await;
    }
    upload.part(10_000, b"the last").await;
    upload.abort().await;
    f.absent("key").await;
    f.finish().await;
}

#[tokio::test]
async fn a_part_that_breaks_off_is_not_there() {
    let f = Fixture::new().await;
    let upload = Upload::create(&f).await;
    for size in [1000, 6 * MIB] {
        let body = body::random(size, 1);
        let query = format!("partNumber=1&uploadId={}", upload.id);
        let mut connection = f.connect().await;
        let head = f.signer.head(&Request::new("PUT", "/bucket/key").query(&query).body(&body));
        connection.send_request(&head, &body[..size / 2]).await.unwrap();
        drop(connection);
        let said =
            f.ok(&Request::new("GET", "/bucket/key").query(&format!("uploadId={}", upload.id)), b"").await;
        assert!(!said.contains("<Part>"), "{said}");
    }
    upload.abort().await;
    f.finish().await;
}
