//! GET and HEAD say the same.

use s3_compat_tests::body;
use s3_compat_tests::http1::Answer;
use s3_compat_tests::sign::Request;

use super::Fixture;

/// Headers of an answer but for those that differ from request to request.
fn told(answer: &Answer) -> Vec<(String, String)> {
    let own = ["date", "x-amz-request-id", "x-amz-id-2"];
    let mut told: Vec<_> =
        answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
    told.sort_unstable();
    told
}

#[tokio::test]
async fn a_head_has_the_headers_of_a_get() {
    let mut f = Fixture::new().await;
    for size in [0, 10, 3 << 20] {
        let body = body::random(size, 1);
        let put = Request::new("PUT", "/bucket/key")
            .header("content-type", "text/x")
            .header("cache-control", "no-cache")
            .header("x-amz-meta-a", "1")
            .header("x-amz-storage-class", "STANDARD_IA")
            .body(&body);
        let (stored, _) = f.send(&put, &body).await;
        let etag = stored.header("etag").unwrap();
        let plain = |method| Request::new(method, "/bucket/key");
        let cases: [fn(Request) -> Request; 7] = [
            |request| request,
            |request| request.header("range", "bytes=1-3"),
            |request| request.header("range", "bytes=-4"),
            |request| request.query("partNumber=1"),
            |request| {
                request.query("response-cache-control=max-age%3D1&response-content-disposition=a&response-content-encoding=b&response-content-language=c&response-content-type=d%2Fe&response-expires=Thu%2C%2001%20Jan%201970%2000%3A01%3A00%20GMT")
            },
            |request| request.header("if-unmodified-since", "Thu, 01 Jan 1970 00:01:00 GMT"),
            |request| request.header("if-modified-since", "Fri, 31 Dec 2100 00:01:00 GMT"),
        ];
        for (index, case) in cases.into_iter().enumerate() {
            let (got, said) = f.send(&case(plain("GET")), b"").await;
            let (head, nothing) = f.send(&case(plain("HEAD")), b"").await;
            assert_eq!((head.status, nothing.as_str()), (got.status, ""), "case {index} of {size}: {said}");
            if got.status < 300 {
                assert_eq!(told(&head), told(&got), "case {index} of {size}");
                let length = got.header("content-length").unwrap();
                assert_eq!(got.header("etag"), Some(etag));
                assert_eq!(length == "0", size == 0, "case {index}");
            }
            if index == 4 {
                let of = |name| head.header(name).unwrap_or_default().to_owned();
                assert_eq!(
                    (
                        of("cache-control"),
                        of("content-disposition"),
                        of("content-encoding"),
                        of("content-language")
                    ),
                    ("max-age=1".into(), "a".into(), "b".into(), "c".into())
                );
                assert_eq!(
                    (of("content-type"), of("expires")),
                    ("d/e".into(), "Thu, 01 Jan 1970 00:01:00 GMT".into())
                );
            }
        }
    }
    f.finish();
}

#[tokio::test]
async fn not_modified_has_etag_and_date_and_no_body() {
    let mut f = Fixture::new().await;
    for size in [0, 10, 3 << 20] {
        let body = body::random(size, 1);
        f.ok(&Request::new("PUT", "/bucket/key").body(&body), &body).await;
        let (head, _) = f.send(&Request::new("HEAD", "/bucket/key"), b"").await;
        let (etag, date) = (head.header("etag").unwrap(), head.header("last-modified").unwrap());
        for method in ["GET", "HEAD"] {
            for (name, value) in
                [("if-none-match", etag), ("if-none-match", "*"), ("if-modified-since", date)]
            {
                let (answer, said) =
                    f.send(&Request::new(method, "/bucket/key").header(name, value), b"").await;
                assert_eq!((answer.status, said.as_str()), (304, ""), "{method} {name}");
                assert_eq!((answer.header("etag"), answer.header("last-modified")), (Some(etag), Some(date)));
                assert_eq!(answer.header("content-type"), None);
            }
        }
    }
    f.finish();
}

#[tokio::test]
async fn a_range_of_nothing_is_refused_and_a_range_of_what_changed_is_all() {
    let mut f = Fixture::new().await;
    f.ok(&Request::new("PUT", "/bucket/empty").body(b""), b"").await;
    for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
        let (answer, said) = f.send(&Request::new("GET", "/bucket/empty").header("range", range), b"").await;
        assert_eq!(answer.status, 416, "{range}: {said}");
        assert_eq!(answer.header("content-range"), Some("bytes */0"));
    }
    let (stored, _) = f.send(&Request::new("PUT", "/bucket/key").body(b"0123456789"), b"0123456789").await;
    let range =
        |etag: &str| Request::new("GET", "/bucket/key").header("range", "bytes=0-3").header("if-range", etag);
    let (answer, said) = f.send(&range(stored.header("etag").unwrap()), b"").await;
    assert_eq!((answer.status, said.as_str()), (206, "0123"));
    let (answer, said) = f.send(&range("\"older-1\""), b"").await;
    assert_eq!((answer.status, said.as_str(), answer.header("content-range")), (200, "0123456789", None));
    f.finish();
}

#[tokio::test]
async fn attributes_may_be_named_with_spaces_and_on_several_lines() {
    let mut f = Fixture::new().await;
    f.ok(&Request::new("PUT", "/bucket/key").body(b"body"), b"body").await;
    for list in ["ETag,ObjectSize", "ETag, ObjectSize", " ETag ,ObjectSize "] {
        let request =
            Request::new("GET", "/bucket/key").query("attributes=").header("x-amz-object-attributes", list);
        let said = f.ok(&request, b"").await;
        assert_eq!(super::element(&said, "ObjectSize"), "4", "{list}: {said}");
        assert!(!super::element(&said, "ETag").contains('"'), "{said}");
    }
    f.finish();
}
