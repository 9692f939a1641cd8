//! A body whose last chunk waits for its ticket, so that no blob can be finished without one, whatever the backend.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::stream::Stream;
use terrace_long_term::{BlobBody, BodyError};

use crate::ticket::guard::Recorded;

/// `body` with its last chunk, or its end if it has none, held back until `recorded` says that the ticket is durable.
pub(crate) fn gated(body: BlobBody, recorded: Recorded) -> BlobBody {
    Box::pin(Gated { body, held: None, recorded, state: State::Flowing })
}

struct Gated {
    body: BlobBody,
    held: Option<Bytes>,
    recorded: Recorded,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    Waiting,
    Ended,
}

impl Stream for Gated {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match this.state {
                State::Flowing => match ready!(this.body.as_mut().poll_next(cx)) {
                    Some(Ok(chunk)) if chunk.is_empty() => {}
                    Some(Ok(chunk)) => {
                        if let Some(before) = this.held.replace(chunk) {
                            return Poll::Ready(Some(Ok(before)));
                        }
                    }
                    Some(Err(error)) => {
                        this.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => this.state = State::Waiting,
                },
                State::Waiting => {
                    let outcome = ready!(this.recorded.poll(cx));
                    this.state = State::Ended;
                    match outcome {
                        Ok(()) => return Poll::Ready(this.held.take().map(Ok)),
                        Err(not_recorded) => return Poll::Ready(Some(Err(BodyError::new(not_recorded)))),
                    }
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticket::guard::recording;
    use futures::{FutureExt, StreamExt, stream};

    fn body(chunks: &'static [&'static str]) -> BlobBody {
        Box::pin(stream::iter(chunks).map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))))
    }

    #[tokio::test]
    async fn the_last_chunk_waits_until_the_ticket_is_durable() {
        let (record, recorded) = recording();
        let mut gated = gated(body(&["a", "", "b", "c"]), recorded);
        assert_eq!(gated.next().await.unwrap().unwrap(), "a");
        assert_eq!(gated.next().await.unwrap().unwrap(), "b");
        assert!(gated.next().now_or_never().is_none());
        record.send(true).unwrap();
        assert_eq!(gated.next().await.unwrap().unwrap(), "c");
        assert!(gated.next().await.is_none());
    }

    #[tokio::test]
    async fn a_ticket_that_was_not_recorded_breaks_the_body() {
        for fate in [Some(false), None] {
            let (record, recorded) = recording();
            let mut gated = gated(body(&["a"]), recorded);
            match fate {
                Some(fate) => record.send(fate).unwrap(),
                None => drop(record),
            }
            assert!(gated.next().await.unwrap().is_err());
            assert!(gated.next().await.is_none());
        }
    }
}
