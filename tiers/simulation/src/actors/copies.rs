//! Copies. The model must know which body a copy writes: the client reads the source first, and copies it only as it read it.

use std::sync::Arc;

use terrace_store::object::{CopiedMetadata, ETagList, ReadCondition, WriteCondition};
use terrace_store::ops::object::{CopyObject, CopySource, MetadataDirective};
use terrace_store::{Error, Refusal};

use crate::actors::Client;
use crate::actors::client::Place;
use crate::faults::Operation;
use crate::history::{Answer, Call, Condition};

pub(crate) fn source(object: &Place, etag: &str) -> CopySource {
    let if_match = Some(ETagList::These(vec![etag.to_owned()]));
    CopySource {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        condition: ReadCondition { if_match, ..Default::default() },
    }
}

impl Client {
    pub(crate) async fn copy(&self) {
        let (from, to) = (self.any_place(), self.any_place());
        if from.name == to.name { self.copy_onto().await } else { self.copy_object(&from, &to).await }
    }

    pub(crate) async fn copy_object(&self, from: &Place, to: &Place) {
        let Some(seen) = self.get_object(from).await else { return };
        let Some(body) = seen.body else { return };
        let request = CopyObject {
            source: source(from, &seen.etag),
            bucket: to.bucket.clone(),
            key: to.key.clone(),
            metadata: MetadataDirective::Copy(CopiedMetadata::default()),
            condition: WriteCondition::default(),
            checksum: None,
        };
        let called = self.engines.course.tick();
        let told = self.call(Operation::Copy, |store| async move { store.copy_object(request).await }).await;
        let is_of_source = |error: &Error| {
            matches!(error, Error::Refused(Refusal::PreconditionFailed(_) | Refusal::NoSuchKey))
        };
        let answer = match told {
            Some(Err(error)) if is_of_source(&error) => Some(Answer::NotDone),
            told => self.answer(told, |written| Answer::Written(Arc::from(written.etag.to_string()))),
        };
        if matches!(answer, Some(Answer::Written(_))) {
            let found = Answer::Found { etag: seen.etag, body: Some(body) };
            self.record(1, from, called, (Call::Get, Some(found)));
        }
        self.record(0, to, called, (Call::Write { body, condition: Condition::None }, answer));
    }

    /// New metadata for an object as it was seen.
    pub(crate) async fn copy_onto(&self) {
        self.copy_onto_itself(&self.any_place()).await;
    }

    pub(crate) async fn copy_onto_itself(&self, object: &Place) {
        let (condition, asked) = self.any_condition(object, false);
        let of_source = ReadCondition::default();
        let request = CopyObject {
            source: CopySource {
                bucket: object.bucket.clone(),
                key: object.key.clone(),
                condition: of_source,
            },
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            metadata: MetadataDirective::Replace(self.any_metadata()),
            condition: asked,
            checksum: None,
        };
        let called = self.engines.course.tick();
        let told =
            self.call(Operation::CopyOnto, |store| async move { store.copy_object(request).await }).await;
        let answer = self.answer(told, |written| Answer::Written(Arc::from(written.etag.to_string())));
        self.record(0, object, called, (Call::Touch { condition }, answer));
    }
}
