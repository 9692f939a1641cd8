//! What is left to do once a request has been answered inside: say why a body was refused, and read what the client is
//! still sending, since many clients see an answer only when they were allowed to finish.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt as _;

use super::super::{Refusal, RequestId};
use super::body::Remains;
use super::documents::Held;

/// How much of a refused body is read before the connection may be closed, in bytes.
const DRAIN_BYTES: u64 = 1 << 20;
/// How long it is read.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Finishes an admitted request. Must be given the answer before it is sent.
#[must_use = "the answer must pass through `settle`"]
#[derive(Debug)]
pub struct Aftercare<B> {
    pending: Option<Pending<B>>,
    /// Room of a document, for as long as the request lasts.
    held: Option<Held>,
}

#[derive(Debug)]
struct Pending<B> {
    remains: Arc<Remains<B>>,
    method: Method,
    id: Option<RequestId>,
    expects: bool,
}

impl<B> Aftercare<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    /// Of a request without a body: nothing will be left.
    pub(crate) fn none() -> Self {
        Self { pending: None, held: None }
    }

    pub(crate) fn of(remains: Arc<Remains<B>>, method: Method, id: Option<RequestId>, expects: bool) -> Self {
        Self { pending: Some(Pending { remains, method, id, expects }), held: None }
    }

    /// Keeps the room of a document until the request has been answered.
    pub(crate) fn hold(&mut self, held: Held) {
        self.held = Some(held);
    }

    /// Takes the answer of s3s and gives the one to send. An error after a refused body becomes the error document of that
    /// refusal (s3s itself makes a 500 of it where it reads the body). After any error the rest of the body is read, at most
    /// 1 MiB or 5 s.
    pub async fn settle(self, answer: s3s::HttpResponse) -> s3s::HttpResponse {
        let Some(pending) = self.pending else { return answer };
        if !(answer.status().is_client_error() || answer.status().is_server_error()) {
            return answer;
        }
        let unread = pending.remains.unread.lock().take();
        if let Some((body, started)) = unread {
            drain(body.into_inner(), pending.expects && !started).await;
        }
        match pending.remains.refused.get() {
            Some(refused) => Refusal::Body(refused.clone()).response(&pending.method, pending.id.as_ref()),
            None => answer,
        }
    }
}

/// Whether the client waits for permission to send its body.
pub(crate) fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Reads on so that the client gets to see the answer. `asking`: the client has sent nothing yet and asks whether it may;
/// a large body is then better not sent at all, a small one is asked for, since some clients cannot read an early answer.
pub(crate) async fn drain<B>(mut body: B, asking: bool)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() || (asking && body.size_hint().lower() > DRAIN_BYTES) {
        return;
    }
    let read_on = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read >= DRAIN_BYTES {
                break;
            }
        }
    };
    // Both ends of the wait are fine: the answer is sent either way.
    let _in_time = tokio::time::timeout(DRAIN_TIME, read_on).await;
}
