//! Blobs in memory: for tests and simulation. Deterministic: it never waits for anything but the body, and keeps no time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;

use crate::blob::{
    BlobBody, BlobFacts, BlobPage, BlobRead, BlobStore, Deployment, Facts, Listed, SizeHint, Stored,
};
use crate::error::{BlobError, BlobErrorKind};
use crate::key::BlobKey;
use crate::length::Length;
use crate::range::clamp;
use crate::uploads::{Name, Uploads, name_of};

/// Bytes in a chunk of a body that is read.
const CHUNK: usize = 64 * 1024;

/// A store of blobs that lives as long as the value does.
pub struct MemoryBlobs {
    state: Mutex<State>,
    page: usize,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<Name, (Bytes, Bytes)>,
    uploads: Uploads,
    deployment: Option<Deployment>,
}

impl Default for MemoryBlobs {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBlobs {
    /// An empty store that lists 1,000 blobs a page.
    #[must_use]
    pub fn new() -> Self {
        Self::with_page(1_000)
    }

    /// An empty store that lists `page` blobs a page (at least one).
    #[must_use]
    pub fn with_page(page: usize) -> Self {
        Self { state: Mutex::default(), page: page.max(1) }
    }

    /// How many blobs there are, and their bytes.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        let state = self.state.lock();
        state.blobs.values().fold((0, 0), |(count, bytes), (_, body)| (count + 1, bytes + body.len() as u64))
    }

    fn find(&self, key: &BlobKey) -> Option<Bytes> {
        self.state.lock().blobs.get(&name_of(key)).map(|(_, body)| body.clone())
    }
}

/// A put under way; dropped, it can no longer land.
struct Upload<'a> {
    store: &'a MemoryBlobs,
    name: Name,
    number: u64,
}

impl<'a> Upload<'a> {
    fn begin(store: &'a MemoryBlobs, key: &BlobKey) -> Self {
        let name = name_of(key);
        let number = store.state.lock().uploads.begin(name);
        Self { store, name, number }
    }

    fn land(self, key: &BlobKey, body: Bytes) -> Result<Stored, BlobError> {
        let mut state = self.store.state.lock();
        if !state.uploads.end(self.name, self.number) {
            return Err(deleted_meanwhile());
        }
        let size = body.len() as u64;
        state.blobs.insert(self.name, (key.key.clone(), body));
        drop(state);
        Ok(Stored { size })
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        self.store.state.lock().uploads.end(self.name, self.number);
    }
}

/// The error of a put whose blob was deleted before it landed.
pub(crate) fn deleted_meanwhile() -> BlobError {
    BlobError::settled(BlobErrorKind::Unavailable, "store a blob that was deleted meanwhile")
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, key: &BlobKey, mut body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError> {
        let upload = Upload::begin(self, key);
        let mut length = Length::new(hint);
        let mut collected = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(BlobError::body)?;
            length.add(chunk.len())?;
            collected.extend_from_slice(&chunk);
        }
        length.end()?;
        upload.land(key, collected.freeze())
    }

    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError> {
        let Some(body) = self.find(key) else { return Ok(None) };
        let size = body.len() as u64;
        let range = clamp(range, size);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to the length of a body in memory")]
        let mut rest = body.slice(range.start as usize..range.end as usize);
        let chunks = std::iter::from_fn(move || {
            let chunk = rest.split_to(rest.len().min(CHUNK));
            (!chunk.is_empty()).then_some(Ok(chunk))
        });
        Ok(Some(BlobRead { size, body: Box::pin(stream::iter(chunks)) }))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError> {
        Ok(self.find(key).map(|body| BlobFacts { size: body.len() as u64 }))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let mut state = self.state.lock();
        let name = name_of(key);
        for number in state.uploads.of(name) {
            state.uploads.end(name, number);
        }
        state.blobs.remove(&name);
        Ok(())
    }

    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError> {
        let from = match after.as_deref().map(<[u8; 16]>::try_from) {
            None => std::ops::Bound::Included((bid, [0; 16])),
            Some(Ok(rev)) => std::ops::Bound::Excluded((bid, rev)),
            Some(Err(_)) => {
                return Err(BlobError::settled(BlobErrorKind::Bug, "read the cursor of a listing"));
            }
        };
        let state = self.state.lock();
        let mut found = state.blobs.range((from, std::ops::Bound::Included((bid, [0xFF; 16]))));
        let blobs: Vec<Listed> = found
            .by_ref()
            .take(self.page)
            .map(|((bid, rev), (key, body))| Listed {
                key: BlobKey { bid: *bid, key: key.clone(), rev: *rev },
                size: body.len() as u64,
            })
            .collect();
        let more = found.next().is_some();
        let next = blobs.last().filter(|_| more).map(|last| Bytes::copy_from_slice(&last.key.rev));
        Ok(BlobPage { blobs, next, ..BlobPage::default() })
    }

    async fn buckets(&self) -> Result<Vec<u64>, BlobError> {
        let buckets: BTreeSet<u64> = self.state.lock().blobs.keys().map(|(bid, _)| *bid).collect();
        Ok(buckets.into_iter().collect())
    }

    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError> {
        let Some(body) = self.find(from) else { return Ok(None) };
        Upload::begin(self, to).land(to, body).map(Some)
    }

    async fn forget_bucket(&self, _bid: u64) -> Result<(), BlobError> {
        Ok(())
    }

    async fn deployment(&self) -> Result<Option<Deployment>, BlobError> {
        Ok(self.state.lock().deployment)
    }

    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError> {
        Ok(*self.state.lock().deployment.get_or_insert(deployment))
    }

    fn facts(&self) -> Facts {
        Facts { name: "memory" }
    }
}

#[cfg(test)]
mod tests;
