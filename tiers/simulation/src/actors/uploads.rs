//! Multipart uploads: parts of every size, one of them twice, one from an object; completed (and completed again where no answer came), aborted,
//! or left open.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use terrace_store::name::PartNumber;
use terrace_store::object::WriteCondition;
use terrace_store::ops::multipart::{
    CompleteUpload, CompletedPart, CopyPart, CreateUpload, Given, ListUploads, UploadPart, UploadRef,
};
use terrace_store::ops::object::Written;
use terrace_store::{Error, FailureKind, Refusal};

use crate::actors::client::Place;
use crate::actors::copies::source;
use crate::actors::{Client, Told};
use crate::faults::Operation;
use crate::history::{Answer, BodyId, Call, Condition};
use crate::world::SMALLEST_PART;

/// How often a completion is asked for as long as it has no answer.
const AGAIN: usize = 4;

/// A part as the client knows it.
pub(crate) struct Part {
    number: u16,
    etag: String,
    bytes: Bytes,
}

fn number(number: u16) -> PartNumber {
    #[expect(clippy::expect_used, reason = "a number of this file")]
    PartNumber::new(i32::from(number)).expect("a part number")
}

impl Client {
    pub(crate) async fn upload(&self) {
        let object = self.any_place();
        let Some(upload) = self.create_upload(&object).await else { return };
        let parts = self.upload_parts(&upload).await;
        if self.random.chance(600) {
            self.look_at(&upload).await;
        }
        match self.random.below(10) {
            0 => {}
            1 | 2 => self.abort(&upload).await,
            _ if parts.is_empty() => self.abort(&upload).await,
            _ => self.complete(&object, &upload, parts, AGAIN).await,
        }
    }

    pub(crate) async fn create_upload(&self, object: &Place) -> Option<UploadRef> {
        let (bucket, key) = (object.bucket.clone(), object.key.clone());
        let request = CreateUpload {
            bucket: bucket.clone(),
            key: key.clone(),
            metadata: self.any_metadata(),
            checksum: None,
        };
        let told = self
            .call(Operation::CreateUpload, |store| async move { store.create_upload(request).await })
            .await;
        let upload = self.expect(told, &[Refusal::NoSuchBucket])?;
        Some(UploadRef { bucket, key, upload })
    }

    /// Uploads some parts; those whose answer came.
    async fn upload_parts(&self, upload: &UploadRef) -> Vec<Part> {
        let count = u16::try_from(self.random.between(1, 3)).unwrap_or(1);
        let mut parts: Vec<Part> = Vec::new();
        for n in 1..=count {
            let written = if self.random.chance(200) {
                self.copy_part(upload, n).await
            } else {
                self.own_part(upload, n, self.any_length()).await
            };
            parts.extend(written);
            // A part that is sent again takes the place of the first.
            if self.random.chance(150) {
                parts.retain(|part| part.number != n);
                parts.extend(self.own_part(upload, n, self.any_length()).await);
            }
        }
        parts
    }

    pub(crate) async fn own_part(&self, upload: &UploadRef, n: u16, length: usize) -> Option<Part> {
        let (_, bytes) = self.engines.bodies.make(length.max(SMALLEST_PART));
        let body = self.sent(&bytes, Operation::UploadPart);
        let request = UploadPart { upload: upload.clone(), number: number(n), body };
        let told =
            self.call(Operation::UploadPart, |store| async move { store.upload_part(request).await }).await;
        let written = self.expect(told, &[Refusal::NoSuchBucket, Refusal::NoSuchUpload])?;
        Some(Part { number: n, etag: written.etag.to_string(), bytes })
    }

    async fn copy_part(&self, upload: &UploadRef, n: u16) -> Option<Part> {
        let from = self.any_place();
        let seen = self.get_object(&from).await?;
        let bytes = self.engines.bodies.bytes(seen.body?)?;
        if bytes.len() < SMALLEST_PART {
            return None;
        }
        let request = CopyPart {
            upload: upload.clone(),
            number: number(n),
            source: source(&from, &seen.etag),
            range: None,
        };
        let told =
            self.call(Operation::CopyPart, |store| async move { store.copy_part(request).await }).await;
        let changed = Refusal::PreconditionFailed("If-Match");
        let gone = [Refusal::NoSuchBucket, Refusal::NoSuchUpload, Refusal::NoSuchKey, changed];
        let written = self.expect(told, &gone)?;
        Some(Part { number: n, etag: written.etag.to_string(), bytes })
    }

    async fn look_at(&self, upload: &UploadRef) {
        let reference = upload.clone();
        let told = self
            .call(Operation::ListParts, |store| async move { store.list_parts(&reference, 0, 1_000).await });
        self.expect(told.await, &[Refusal::NoSuchBucket, Refusal::NoSuchUpload]);
        let request = ListUploads {
            bucket: upload.bucket.clone(),
            prefix: Bytes::new(),
            delimiter: Bytes::new(),
            key_marker: Bytes::new(),
            upload_marker: None,
            limit: 1_000,
        };
        let told =
            self.call(Operation::ListUploads, |store| async move { store.list_uploads(request).await });
        self.expect(told.await, &[Refusal::NoSuchBucket]);
    }

    pub(crate) async fn abort(&self, upload: &UploadRef) {
        let reference = upload.clone();
        let told = self.call(Operation::Abort, |store| async move { store.abort_upload(reference).await });
        // An abort whose answer was lost finds nothing the second time.
        self.expect(told.await, &[Refusal::NoSuchBucket, Refusal::NoSuchUpload]);
    }

    /// Completes, and asks again with the same list, up to `tries` times in all, as long as there is no answer: all of it is one write.
    pub(crate) async fn complete(
        &self,
        object: &Place,
        upload: &UploadRef,
        mut parts: Vec<Part>,
        tries: usize,
    ) {
        if parts.len() > 1 && self.random.chance(200) {
            parts.remove(0);
        }
        let all = parts.iter().fold(BytesMut::new(), |mut all, part| {
            all.extend_from_slice(&part.bytes);
            all
        });
        let body = self.engines.bodies.compose(all.freeze());
        let (condition, asked) = match self.random.chance(150) {
            true => self.any_condition(object, true),
            false => (Condition::None, WriteCondition::default()),
        };
        let called = self.engines.course.tick();
        let mut is_unsure = false;
        for _ in 0..tries {
            let request = completion(upload, &parts, &asked);
            let told = self
                .call(Operation::Complete, |store| async move { store.complete_upload(request).await })
                .await;
            if !self.is_final(&told) {
                is_unsure = true;
                continue;
            }
            // Behind an attempt of unknown outcome a refusal says nothing of that attempt.
            let answer = match self.completed(told) {
                Some(Answer::Written(etag)) => Some(Answer::Written(etag)),
                answer => answer.filter(|_| !is_unsure),
            };
            let etag = match &answer {
                Some(Answer::Written(etag)) => Some(Arc::clone(etag)),
                _ => None,
            };
            self.record_completion(object, called, (body, condition), answer);
            if let Some(etag) = etag
                && self.random.chance(300)
            {
                self.complete_again(completion(upload, &parts, &asked), &etag).await;
            }
            return;
        }
        self.record_completion(object, called, (body, condition), None);
    }

    /// The same request behind its answer is answered the same, as long as it is remembered.
    async fn complete_again(&self, request: CompleteUpload, etag: &str) {
        let told =
            self.call(Operation::Complete, |store| async move { store.complete_upload(request).await }).await;
        if let Some(written) = self.expect(told, &[Refusal::NoSuchUpload, Refusal::NoSuchBucket])
            && written.etag.to_string() != etag
        {
            let what = format!("first {etag}, then {}", written.etag);
            self.engines.course.violated("a completion is done once", what);
        }
    }

    fn record_completion(
        &self,
        object: &Place,
        called: u64,
        (body, condition): (BodyId, Condition),
        answer: Option<Answer>,
    ) {
        self.record(0, object, called, (Call::Write { body, condition }, answer));
    }

    fn is_final(&self, told: &Told<Written>) -> bool {
        match told {
            None => false,
            Some(Err(Error::Failed(failure))) => !matches!(
                failure.kind(),
                FailureKind::MaybeCommitted
                    | FailureKind::Unavailable
                    | FailureKind::Throttled
                    | FailureKind::TimedOut
            ),
            Some(_) => true,
        }
    }

    fn completed(&self, told: Told<Written>) -> Option<Answer> {
        let gone = |refusal: &Refusal| {
            matches!(refusal, Refusal::NoSuchUpload | Refusal::NoSuchBucket | Refusal::InvalidPart { .. })
        };
        match told {
            Some(Err(Error::Refused(refusal))) if gone(&refusal) => Some(Answer::NotDone),
            told => self.answer(told, |written| Answer::Written(Arc::from(written.etag.to_string()))),
        }
    }
}

fn completion(upload: &UploadRef, parts: &[Part], condition: &WriteCondition) -> CompleteUpload {
    let listed =
        |part: &Part| CompletedPart { number: number(part.number), etag: part.etag.clone(), checksum: None };
    CompleteUpload {
        upload: upload.clone(),
        parts: parts.iter().map(listed).collect(),
        condition: condition.clone(),
        size: None,
        whole: Given::default(),
    }
}
