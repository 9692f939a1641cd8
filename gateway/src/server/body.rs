//! The body of a request as a handler gets it: hyper's, and a note on the connection if it was not read to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::pulse::Pulse;
use crate::telemetry::requests::RequestRecord;

/// The body of a request, streamed.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    pulse: Arc<Pulse>,
    record: Option<Arc<RequestRecord>>,
    ended: bool,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, pulse: Arc<Pulse>, record: Option<Arc<RequestRecord>>) -> Self {
        Self { incoming, pulse, record, ended: false }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        self.ended |= frame.is_none();
        if let (Some(record), Some(Ok(frame))) = (&self.record, &frame) {
            record.received(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !(self.ended || self.incoming.is_end_stream()) {
            self.pulse.left_unread();
        }
    }
}
