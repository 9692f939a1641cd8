//! Gets, heads and listings.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use terrace_store::object::{RangeRequest, ReadCondition};
use terrace_store::ops::object::{GetObject, ListObjects, Listing, ObjectRead, Selection};
use terrace_store::{Error, FailureKind, Refusal};

use crate::actors::client::{BUCKETS, KEYS, Place, place};
use crate::actors::{Client, Told};
use crate::faults::Operation;
use crate::history::{Answer, BodyId, Call};

/// A body as it was read: `None` if it broke off.
type Bytewise = Option<Bytes>;

/// What came of a read.
pub(crate) struct Seen {
    pub(crate) etag: Arc<str>,
    pub(crate) body: Option<BodyId>,
}

impl Client {
    pub(crate) async fn get(&self) {
        let object = self.any_place();
        self.get_object(&object).await;
    }

    /// Reads every object there could be.
    pub(crate) async fn read_all(&self) {
        for bucket in BUCKETS {
            for key in KEYS {
                self.get_object(&place(bucket, key)).await;
            }
        }
    }

    /// Reads all of an object, and tells what it is.
    pub(crate) async fn get_object(&self, object: &Place) -> Option<Seen> {
        let called = self.engines.course.tick();
        let told = self.call(Operation::Get, |store| read(store, object, Selection::Whole)).await;
        let answer = match self.found(told)? {
            None => Answer::Absent,
            Some((info, bytes)) => {
                let etag: Arc<str> = info.0.into();
                let body = bytes.and_then(|bytes| self.identify(object, info.1, &bytes));
                Answer::Found { etag, body }
            }
        };
        let seen = match &answer {
            Answer::Found { etag, body } => Some(Seen { etag: Arc::clone(etag), body: *body }),
            _ => None,
        };
        self.record(0, object, called, (Call::Get, Some(answer)));
        seen
    }

    /// Which body these bytes are: all of one, or something is broken.
    fn identify(&self, object: &Place, size: u64, bytes: &[u8]) -> Option<BodyId> {
        let found = self.engines.bodies.find(bytes);
        if found.is_none() || bytes.len() as u64 != size {
            let what =
                format!("{}: {} bytes of {size} were read, and nobody wrote them", object.name, bytes.len());
            self.engines.course.violated("a read is one body, whole", what);
        }
        // Every empty body is like every other.
        found.filter(|_| size > 0)
    }

    pub(crate) async fn get_range(&self) {
        let object = self.any_place();
        let first = self.random.below(300);
        let range = match self.random.below(3) {
            0 => RangeRequest::From { first, last: None },
            1 => RangeRequest::From { first, last: Some(first + self.random.below(200)) },
            _ => RangeRequest::Suffix(self.random.between(1, 200)),
        };
        let called = self.engines.course.tick();
        let told =
            self.call(Operation::GetRange, |store| read(store, &object, Selection::Range(range))).await;
        if matches!(&told, Some(Err(Error::Refused(Refusal::RangeUnsatisfiable { .. })))) {
            return;
        }
        let Some(found) = self.found(told) else { return };
        let answer = match found {
            None => Answer::Absent,
            Some(((etag, size, part), bytes)) => {
                if let (Some(bytes), Some(part)) = (bytes, part)
                    && (part.end - part.start != bytes.len() as u64
                        || !self.engines.bodies.has(size, part.start, &bytes))
                {
                    let what = format!("{}: {part:?} of {size} is of no body", object.name);
                    self.engines.course.violated("a read is one body, whole", what);
                }
                Answer::Found { etag: etag.into(), body: None }
            }
        };
        self.record(0, &object, called, (Call::Look, Some(answer)));
    }

    /// `None`: the client learned nothing of the object.
    fn found<T>(&self, told: Told<T>) -> Option<Option<T>> {
        match told? {
            Ok(found) => Some(Some(found)),
            Err(Error::Refused(Refusal::NoSuchKey | Refusal::NoSuchBucket)) => Some(None),
            Err(Error::Failed(failure))
                if matches!(
                    failure.kind(),
                    FailureKind::Unavailable | FailureKind::Throttled | FailureKind::TimedOut
                ) =>
            {
                None
            }
            Err(error) => {
                self.unexpected(&error);
                None
            }
        }
    }

    pub(crate) async fn head(&self) {
        let object = self.any_place();
        let called = self.engines.course.tick();
        let request = GetObject {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            selection: Selection::Whole,
            condition: ReadCondition::default(),
        };
        let told = self.call(Operation::Head, |store| async move { store.head_object(request).await }).await;
        if let Some(found) = self.found(told) {
            let answer = found.map_or(Answer::Absent, |(info, _)| Answer::Found {
                etag: info.etag.to_string().into(),
                body: None,
            });
            self.record(0, &object, called, (Call::Look, Some(answer)));
        }
    }

    pub(crate) async fn list(&self) {
        self.list_pages(Operation::List, "", *self.random.pick(&[2, 3, 1_000])).await;
    }

    pub(crate) async fn list_folded(&self) {
        self.list_pages(Operation::ListFolded, "/", *self.random.pick(&[1, 2, 1_000])).await;
    }

    async fn list_pages(&self, operation: Operation, delimiter: &'static str, limit: usize) {
        let name = self.any_bucket();
        let prefix = *self.random.pick(&["", "", "d/"]);
        let mut after = Bytes::new();
        loop {
            let request = ListObjects {
                bucket: place(name, "a").bucket,
                prefix: prefix.into(),
                delimiter: delimiter.into(),
                after: after.clone(),
                limit,
            };
            let called = self.engines.course.tick();
            let told = self.call(operation, |store| async move { store.list_objects(request).await }).await;
            let Some(found) = self.found(told) else { return };
            let listing = found.unwrap_or_default();
            self.record_page((name, prefix, delimiter), &after, called, &listing);
            match listing.next {
                Some(next) => after = next,
                None => return,
            }
        }
    }

    /// A page tells of every key in its range, but of those that it folds.
    fn record_page(
        &self,
        (bucket, prefix, delimiter): (&str, &str, &str),
        after: &Bytes,
        called: u64,
        listing: &Listing,
    ) {
        for (voice, key) in (1..).zip(KEYS) {
            let is_before = |next: &Bytes| key.as_bytes() <= &**next || key.as_bytes().starts_with(next);
            let is_covered = key.starts_with(prefix)
                && key.as_bytes() > &**after
                && !(after.ends_with(b"/") && key.as_bytes().starts_with(after))
                && listing.next.as_ref().is_none_or(is_before);
            let is_folded = !delimiter.is_empty()
                && key.strip_prefix(prefix).is_some_and(|rest| rest.contains(delimiter));
            if !is_covered || is_folded {
                continue;
            }
            let listed = listing.objects.iter().find(|object| object.key == key.as_bytes());
            let answer = listed.map_or(Answer::Absent, |object| Answer::Found {
                etag: object.etag.to_string().into(),
                body: None,
            });
            self.record(voice, &place(bucket, key), called, (Call::Look, Some(answer)));
        }
    }
}

type Info = (String, u64, Option<std::ops::Range<u64>>);

/// Reads an object to the end of its stream.
async fn read(
    store: terrace_store::Store,
    object: &Place,
    selection: Selection,
) -> terrace_store::Result<(Info, Bytewise)> {
    let request = GetObject {
        bucket: object.bucket.clone(),
        key: object.key.clone(),
        selection,
        condition: ReadCondition::default(),
    };
    let ObjectRead { info, part, mut body } = store.get_object(request).await?;
    let range = part.map_or(0..info.size, |part| part.range);
    let facts = (info.etag.to_string(), info.size, Some(range));
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => return Ok((facts, None)),
        }
    }
    Ok((facts, Some(bytes.freeze())))
}
