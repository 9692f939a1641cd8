//! Rule 10: bodies that are documents and not content are held in memory, so each has a limit, and all of them together one as well.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::Method;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::Refusal;
use super::query::Query;
use super::target::Target;
use super::xml;

/// Largest document, in bytes.
pub(crate) const LARGEST: u64 = 4 << 20;
/// Bytes of all documents that are held at once.
const ALL: usize = 32 << 20;

/// Whether s3s would read the body of such a request whole (its router): what it does not stream.
pub(crate) fn is_document(method: &Method, target: &Target, query: &Query<'_>) -> bool {
    let any = |names: &[&str]| names.iter().any(|name| query.has(name));
    match *method {
        Method::POST if target.has_key => any(&["uploadId", "select", "restore"]),
        Method::POST => any(&["delete", "metadataTable"]),
        Method::PUT if target.has_key => any(&["acl", "legal-hold", "retention", "tagging"]),
        Method::PUT => true,
        _ => false,
    }
}

/// Whether a document is a bucket policy, which is JSON. With any other parameter s3s might take it for something else, and read XML.
pub(crate) fn is_policy(method: &Method, query: &Query<'_>) -> bool {
    let own = |name: &[u8]| matches!(name, b"policy" | b"x-id");
    method == Method::PUT && query.has("policy") && query.pairs().iter().all(|(name, _)| own(name))
}

/// Room for the documents of all requests.
#[derive(Debug)]
pub(crate) struct Documents {
    room: Arc<Semaphore>,
}

/// Room that one document takes, until this is dropped.
pub(crate) type Held = OwnedSemaphorePermit;

impl Documents {
    pub(crate) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(ALL)) }
    }

    /// Reads a document whole and checks it as XML, unless it is `opaque`. Room is taken as bytes arrive: who announces much and sends
    /// nothing takes none from others.
    ///
    /// # Errors
    /// `SlowDown` without room, `MalformedXml`. Why the body itself broke off is for the caller to find: here it is `Internal`.
    pub(crate) async fn read(&self, mut body: s3s::Body, opaque: bool) -> Result<(Bytes, Held), Refusal> {
        let mut held = self.take(0)?;
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_broken| Refusal::Internal)?.into_data() else { continue };
            held.merge(self.take(data.len())?);
            whole.extend_from_slice(&data);
        }
        let whole = whole.freeze();
        Ok((if opaque { whole } else { xml::check(whole)? }, held))
    }

    fn take(&self, bytes: usize) -> Result<Held, Refusal> {
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        Arc::clone(&self.room).try_acquire_many_owned(count).map_err(|_full| Refusal::SlowDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3s_reads_whole_is_a_document() {
        for (method, has_key, query, wanted) in [
            (Method::POST, false, "delete", true),
            (Method::POST, true, "uploadId=1", true),
            (Method::POST, true, "uploads", false),
            (Method::PUT, false, "", true),
            (Method::PUT, false, "policy", true),
            (Method::PUT, true, "tagging", true),
            (Method::PUT, true, "partNumber=1&uploadId=2", false),
            (Method::PUT, true, "x-id=PutObject", false),
            (Method::GET, false, "acl", false),
            (Method::DELETE, true, "tagging", false),
        ] {
            let target = Target { host_bucket: None, has_key };
            assert_eq!(is_document(&method, &target, &Query::parse(query)), wanted, "{method} {query}");
        }
    }

    #[test]
    fn only_a_policy_is_not_xml() {
        let is = |method, query| is_policy(&method, &Query::parse(query));
        assert!(is(Method::PUT, "policy") && is(Method::PUT, "policy=&x-id=PutBucketPolicy"));
        assert!(!is(Method::POST, "delete&policy") && !is(Method::PUT, "policy&acl") && !is(Method::PUT, ""));
    }

    #[tokio::test]
    async fn documents_share_one_room_and_give_it_back() {
        let documents = Documents::new();
        let mebibyte = || s3s::Body::from(Bytes::from(vec![b' '; 1 << 20]));
        let mut held = Vec::new();
        for _ in 0..ALL >> 20 {
            held.push(documents.read(mebibyte(), false).await.unwrap());
        }
        assert!(matches!(documents.read(mebibyte(), false).await, Err(Refusal::SlowDown)));
        held.pop();
        let (read, _held) = documents.read(mebibyte(), false).await.unwrap();
        assert_eq!(read.len(), 1 << 20);
    }
}
