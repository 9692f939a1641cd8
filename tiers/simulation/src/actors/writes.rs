//! Puts: inline, exactly at the threshold, large; with conditions or none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use terrace_long_term::{BlobBody, BodyError};
use terrace_store::object::WriteCondition;
use terrace_store::ops::object::PutObject;

use crate::actors::Client;
use crate::actors::client::Place;
use crate::faults::{Fault, Operation};
use crate::history::{Answer, Call, Condition};
use crate::world::INLINE_MAX;

/// A client's connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the client's body broke off")]
struct BrokenOff;

/// What happens between two chunks.
enum Sent {
    Chunk(Bytes),
    Pause(Duration),
    Break,
}

/// `bytes` as a client sends them: in pieces, with a stop or a break where the seed says so.
pub(crate) fn stream(client: &Client, bytes: &Bytes, operation: Operation) -> BlobBody {
    let course = &client.engines.course;
    let piece = usize::try_from(client.random.between(8, 200)).unwrap_or(8);
    let mut pieces: Vec<Sent> = (0..bytes.len())
        .step_by(piece)
        .map(|at| Sent::Chunk(bytes.slice(at..bytes.len().min(at + piece))))
        .collect();
    let fault = course.choose(&[Fault::BodyBreaks, Fault::BodyStalls]);
    if let Some(fault) = fault {
        course.count(operation, fault);
        let at = usize::try_from(course.number(0, pieces.len() as u64)).unwrap_or(0);
        if fault == Fault::BodyBreaks {
            pieces.truncate(at);
            pieces.push(Sent::Break);
        } else {
            pieces.insert(at, Sent::Pause(course.time(100, 20_000)));
        }
    }
    let sent = stream::iter(pieces).filter_map(|piece| async move {
        match piece {
            Sent::Chunk(chunk) => Some(Ok(chunk)),
            Sent::Pause(time) => {
                tokio::time::sleep(time).await;
                None
            }
            Sent::Break => Some(Err(BodyError::new(BrokenOff))),
        }
    });
    Box::pin(sync_wrapper::SyncStream::new(sent))
}

impl Client {
    pub(crate) async fn put(&self) {
        let length = self.any_length();
        let operation = if length > INLINE_MAX { Operation::PutLarge } else { Operation::PutInline };
        let condition = (Condition::None, WriteCondition::default());
        self.put_object(operation, &self.any_place(), length, condition).await;
    }

    pub(crate) async fn put_if(&self) {
        let object = self.any_place();
        let condition = self.any_condition(&object, true);
        self.put_object(Operation::PutIf, &object, self.any_length(), condition).await;
    }

    pub(crate) async fn put_object(
        &self,
        operation: Operation,
        object: &Place,
        length: usize,
        (condition, asked): (Condition, WriteCondition),
    ) {
        let (body, bytes) = self.engines.bodies.make(length);
        let called = self.engines.course.tick();
        let request = PutObject {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            metadata: self.any_metadata(),
            condition: asked,
            body: self.sent(&bytes, operation),
        };
        let told = self.call(operation, |store| async move { store.put_object(request).await }).await;
        let answer = self.answer(told, |written| Answer::Written(Arc::from(written.etag.to_string())));
        self.record(0, object, called, (Call::Write { body, condition }, answer));
    }
}
