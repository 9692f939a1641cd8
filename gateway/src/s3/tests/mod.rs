//! The protocol over a real store on memory tiers, one request at a time, as a client that is already known.

mod buckets;
mod checksums;
mod copies;
mod listings;
mod multipart;
mod objects;

use std::sync::Arc;

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use prometheus::Registry;
use s3s::{Body, HttpRequest};
use terrace_high_volume::memory::MemoryKv;
use terrace_long_term::MemoryBlobs;
use terrace_long_term::layers::measure::TierMetrics;
use terrace_runtime::{Clock, ManualClock, SeededIds, Tasks};
use terrace_store::{Boundless, Fences, Parts, Settings, Store};

use super::{Details, Front};
use crate::auth::RequestId;

/// 2026-01-02T03:04:05.678Z
const NOW: u64 = 1_767_323_045_678;

struct Client {
    front: Front,
    clock: Arc<ManualClock>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Client {
    async fn new() -> Self {
        Self::in_region("us-east-1").await
    }

    async fn in_region(region: &str) -> Self {
        Self::over(region, Settings::default()).await
    }

    async fn over(region: &str, settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let shared: Arc<dyn Clock> = clock.clone();
        let parts = Parts {
            kv: MemoryKv::new(shared.clone()),
            blobs: Arc::new(MemoryBlobs::new()),
            ids: Arc::new(SeededIds::new(7, shared.clone())),
            clock: shared,
            tasks: Tasks::new(),
            space: Arc::new(Boundless),
            fences: Fences::default(),
            tiers: TierMetrics::register(&Registry::new()).unwrap(),
            settings,
        };
        let store = Store::open(parts, &Registry::new()).await.unwrap();
        Self { front: Front::new(store, region, |_| {}), clock }
    }

    /// A client with a bucket `bkt`.
    async fn with_bucket() -> Self {
        Self::with_bucket_over(Settings::default()).await
    }

    async fn with_bucket_over(settings: Settings) -> Self {
        let client = Self::over("us-east-1", settings).await;
        assert_eq!(client.send("PUT", "/bkt", &[], "").await.status, 200);
        client
    }

    async fn send(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = body.into();
        let length = body.len().to_string();
        let headers: Vec<_> = headers.iter().copied().chain([("content-length", length.as_str())]).collect();
        self.send_body((method, uri), &headers, Extensions::new(), Body::from(body)).await
    }

    async fn send_body(
        &self,
        (method, uri): (&str, &str),
        headers: &[(&str, &str)],
        extensions: Extensions,
        body: Body,
    ) -> Answer {
        let mut request = HttpRequest::new(body);
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = uri.parse().unwrap();
        *request.extensions_mut() = extensions;
        request.extensions_mut().insert(RequestId("4F2A".into()));
        for (name, value) in headers.iter().chain(&[("host", "localhost:9000")]) {
            let name = HeaderName::try_from(*name).unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let details = Details::of(&request);
        let answer = details.complete(self.front.call(request).await, None);
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        if method == "HEAD" {
            assert!(body.is_empty(), "a HEAD has no body");
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", uri, headers, "").await
    }

    async fn put(&self, uri: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let answer = self.send("PUT", uri, headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| std::str::from_utf8(value.as_bytes()).unwrap())
    }

    /// Texts of all elements of a name, unescaped.
    fn all(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.text().split(&open).skip(1);
        parts
            .map(|part| quick_xml::escape::unescape(part.split(&close).next().unwrap()).unwrap().into_owned())
            .collect()
    }

    /// Text of the only element of a name, or nothing.
    fn one(&self, name: &str) -> String {
        let mut all = self.all(name);
        assert!(all.len() < 2, "{name} is there {} times", all.len());
        all.pop().unwrap_or_default()
    }

    /// Asserts a refusal.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.one("Code").as_str()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/xml");
        assert_eq!(self.one("RequestId"), "4F2A");
        assert!(!self.one("Message").is_empty());
    }
}

#[tokio::test]
async fn what_is_not_built_answers_not_implemented() {
    let client = Client::with_bucket().await;
    for (method, uri) in [
        ("PUT", "/bkt?versioning"),
        ("PUT", "/bkt/k?tagging"),
        ("PUT", "/bkt/k?renameObject"),
        ("GET", "/bkt?inventory"),
        ("POST", "/bkt/k?select&select-type=2"),
        ("POST", "/bkt/k"),
        ("PATCH", "/bkt/k"),
    ] {
        let body = if uri.contains("versioning") {
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        } else if uri.contains("tagging") {
            "<Tagging><TagSet></TagSet></Tagging>"
        } else if uri.contains("select") {
            "<SelectObjectContentRequest><Expression>x</Expression><ExpressionType>SQL</ExpressionType><InputSerialization/><OutputSerialization/></SelectObjectContentRequest>"
        } else {
            ""
        };
        client.send(method, uri, &[], body).await.refused(501, "NotImplemented");
    }
    assert_eq!(client.get("/bkt/k", &[]).await.status, 404, "nothing was written");
}

#[tokio::test]
async fn what_is_not_honoured_is_refused_on_every_operation() {
    let client = Client::with_bucket().await;
    for header in [
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
    ] {
        for (method, uri) in [("PUT", "/bkt/k"), ("POST", "/bkt/k?uploads"), ("PUT", "/other")] {
            client.send(method, uri, &[header], "").await.refused(501, "NotImplemented");
        }
    }
    assert_eq!(client.get("/bkt/k", &[]).await.status, 404);
    assert_eq!(client.get("/other", &[]).await.status, 404);
}
