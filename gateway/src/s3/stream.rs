//! Bodies on their way between s3s and the store, chunk by chunk as they are.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::{Extensions, HeaderMap};
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};
use s3s::{S3Error, StdError, s3_error};
use terrace_long_term::{BlobBody, BodyError};
use terrace_store::object::ChecksumSlot;
use terrace_store::ops::object::Body;

use crate::auth::checksum::md5_of;
use crate::telemetry::chain;

/// The body of a request. Its length is what `Content-Length` says; its checksum comes from the guard, through the request's
/// extensions. The guard also verifies `Content-MD5`, so its value is the MD5 of a body that ends.
pub(crate) fn incoming(
    blob: Option<StreamingBlob>,
    length: Option<i64>,
    (headers, extensions): (&HeaderMap, &Extensions),
) -> Body {
    let checksum = extensions.get::<ChecksumSlot>().cloned().unwrap_or_default();
    let stream: BlobBody = match blob {
        None => Box::pin(stream::empty()),
        Some(blob) => Box::pin(blob.map(|chunk| chunk.map_err(BodyError::new))),
    };
    let md5 = headers.get("content-md5").and_then(md5_of);
    Body { stream, length: length.and_then(|length| u64::try_from(length).ok()), checksum, md5 }
}

/// Whether the client sent a checksum of its body, or announced one.
pub(crate) fn has_checksum(extensions: &Extensions) -> bool {
    extensions.get::<ChecksumSlot>().is_some()
}

/// A body that is to be stored says how long it is.
///
/// # Errors
/// `MissingContentLength`.
pub(crate) fn expect_length(length: Option<i64>) -> Result<(), S3Error> {
    length
        .map(drop)
        .ok_or_else(|| s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header."))
}

/// The body of an answer of `length` bytes. What breaks it off is logged here: its client sees a connection that breaks.
pub(crate) fn outgoing(operation: &'static str, body: BlobBody, length: u64) -> StreamingBlob {
    StreamingBlob::new(Outgoing { operation, body, left: length })
}

struct Outgoing {
    operation: &'static str,
    body: BlobBody,
    left: u64,
}

impl Stream for Outgoing {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.body.as_mut().poll_next(cx).map(|chunk| match chunk {
            Some(Ok(bytes)) => {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                Some(Ok(bytes))
            }
            Some(Err(error)) => {
                tracing::error!(operation = self.operation, error = %chain(&error), "a body broke off");
                Some(Err(error.into()))
            }
            None => None,
        })
    }
}

impl ByteStream for Outgoing {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.left).map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_passes_both_ways_with_its_length() {
        let chunks = || stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))]);
        let blob = outgoing("test", Box::pin(chunks()), 3);
        assert_eq!(blob.remaining_length().exact(), Some(3));
        let mut body = incoming(Some(blob), Some(3), (&HeaderMap::new(), &Extensions::new()));
        assert_eq!(body.length, Some(3));
        let mut all = Vec::new();
        while let Some(chunk) = body.stream.next().await {
            all.push(chunk.unwrap());
        }
        assert_eq!(all, ["ab", "c"]);
    }

    #[tokio::test]
    async fn the_error_of_a_body_keeps_its_type() {
        let broken = stream::iter([Err(BodyError::new(std::io::Error::other("gone")))]);
        let blob = outgoing("test", Box::pin(broken), 1);
        let mut body = incoming(Some(blob), None, (&HeaderMap::new(), &Extensions::new()));
        let error = body.stream.next().await.unwrap().unwrap_err();
        assert!(chain(&error).to_string().ends_with("gone"));
        assert!(incoming(None, Some(-1), (&HeaderMap::new(), &Extensions::new())).length.is_none());
    }
}
