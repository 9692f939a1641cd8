//! The Rust SDK of AWS.

mod buckets;
mod checksums;
mod conditions;
mod copies;
mod keys;
mod listings;
mod multipart;
mod objects;
mod presigned;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder;
use s3_compat_tests::server::{ACCESS_KEY, REGION, SECRET_KEY, Server};

/// The bucket that each test starts with.
const BUCKET: &str = "bucket";
/// Bodies up to this go inline; longer ones to the long-term tier.
const INLINE_MAX: usize = 1024 * 1024;
const MIB: usize = 1024 * 1024;

/// A running server with a client and an empty bucket.
struct Fixture {
    server: Server,
    s3: Client,
}

impl Fixture {
    async fn new() -> Self {
        Self::of(Server::start()).await
    }

    /// With a server of a test's own making.
    async fn of(server: Server) -> Self {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(server.endpoint())
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
            .http_client(Builder::new().build_http())
            .force_path_style(true)
            .build();
        let s3 = Client::from_conf(config);
        s3.create_bucket().bucket(BUCKET).send().await.expect("a bucket");
        Self { server, s3 }
    }

    /// Puts an object and gives its ETag.
    async fn put(&self, key: &str, body: &[u8]) -> String {
        let body = ByteStream::from(body.to_vec());
        let put = self.s3.put_object().bucket(BUCKET).key(key).body(body).send().await;
        put.unwrap_or_else(|error| panic!("put {key:?}: {error:?}")).e_tag.expect("an ETag")
    }

    /// The whole body of an object.
    async fn get(&self, key: &str) -> Vec<u8> {
        let get = self.s3.get_object().bucket(BUCKET).key(key).send().await;
        let get = get.unwrap_or_else(|error| panic!("get {key:?}: {error:?}"));
        get.body.collect().await.unwrap_or_else(|error| panic!("body of {key:?}: {error:?}")).to_vec()
    }

    /// The code of a GET of what is not there.
    async fn assert_absent(&self, key: &str) {
        let get = self.s3.get_object().bucket(BUCKET).key(key).send().await;
        assert_eq!(refusal(get), (404, "NoSuchKey".to_owned()), "{key:?}");
    }

    /// Stops the server and proves that its directory is sound.
    fn finish(self) {
        self.server.stop_clean();
    }
}

/// Status and code of a refused request; an answer to HEAD has no code.
#[track_caller]
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>,
) -> (u16, String) {
    let error = result.expect_err("a refusal");
    let status = error.raw_response().unwrap_or_else(|| panic!("no answer: {error:?}")).status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}

/// Panics unless two bodies are equal, without printing them.
#[track_caller]
fn assert_same(left: &[u8], right: &[u8]) {
    let at = left.iter().zip(right).position(|(left, right)| left != right);
    assert!(left == right, "bodies of {} and {} bytes differ from {at:?} on", left.len(), right.len());
}
