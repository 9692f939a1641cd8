//! The waist of the long-term tier.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::Stream;
use std::pin::Pin;

use crate::error::{BlobError, BodyError};
use crate::key::BlobKey;

/// The bytes of a body on their way, in chunks of any size. An error ends it. `Sync`, because the protocol side demands it of bodies.
pub type BlobBody = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send + Sync>>;

/// What is known of a body's length before it is read, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeHint {
    /// The stream yields exactly this many, or an error.
    Exact(u64),
    /// Not known; at least this many.
    AtLeast(u64),
}

/// What a put that succeeded says: the blob is whole and durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes of the body.
    pub size: u64,
}

/// What is known of a blob without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobFacts {
    /// Bytes of the body.
    pub size: u64,
}

/// A blob being read.
pub struct BlobRead {
    /// Bytes of the whole body, whatever part of it is read.
    pub size: u64,
    /// Exactly the bytes asked for, or an error in the middle: never a short end without an error.
    pub body: BlobBody,
}

/// One blob of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: BlobKey,
    /// Bytes of the body.
    pub size: u64,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobPage {
    /// Blobs in no particular order; each blob is on exactly one page unless it came or went meanwhile.
    pub blobs: Vec<Listed>,
    /// Blobs that are there under their name but not as they were written: what they are called and hold can no longer be told.
    /// Counted in `blobs` of no page. A delete removes them (the key of the [`BlobKey`] does not matter to it).
    pub damaged: Vec<Damaged>,
    /// Give this to the next call; `None` at the end.
    pub next: Option<Bytes>,
}

/// A blob of a listing that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Bucket id, from its name.
    pub bid: u64,
    /// Revision, from its name.
    pub rev: [u8; 16],
    /// Bytes it takes now, whatever they are.
    pub bytes: u64,
}

/// What the marker object of a deployment says: the id that binds both tiers.
pub type Deployment = [u8; 16];

/// What kind of backend this is.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// `filesystem`, `memory`, `gcs`: the value of the metrics' label `backend`.
    pub name: &'static str,
}

/// A store of blobs that are written once. A put is all or nothing and ends in one of three ways: stored and durable (`Ok`); not
/// stored and never will be (an error that is settled); unknown (an error that is not settled, or a dropped future).
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores a body under a fresh revision. The body is read to its end, and its last chunk may come late (the store holds it back
    /// until its ticket is durable). Writing the same revision twice stores the same bytes: last wins, and both may answer `Ok`.
    ///
    /// # Errors
    /// `Body` with the stream's own error; `NoSpace`; a length that is not the exact hint is `Body` as well.
    async fn put(&self, key: &BlobKey, body: BlobBody, hint: SizeHint) -> Result<Stored, BlobError>;

    /// Opens a blob and reads `range` of it (bytes; clamped to the size; `None` = all). `None` back: no such blob.
    ///
    /// # Errors
    /// `Corrupt` when the blob is not as it was written.
    async fn get(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Option<BlobRead>, BlobError>;

    /// Facts without bytes; `None`: no such blob.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`.
    async fn head(&self, key: &BlobKey) -> Result<Option<BlobFacts>, BlobError>;

    /// Deletes a blob; absent is fine. After `Ok`, no put of that revision begun earlier by this process can appear.
    ///
    /// # Errors
    /// `Unavailable`: it may still be there.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// A page of the blobs of a bucket; begin with `after: None`. Finished blobs only.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn list(&self, bid: u64, after: Option<Bytes>) -> Result<BlobPage, BlobError>;

    /// Ids of all buckets that have, or may have, blobs. For proofs and sweeps.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn buckets(&self) -> Result<Vec<u64>, BlobError>;

    /// Copies a whole blob to a fresh revision without bringing its bytes here, where the backend can. `None`: no such source.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    async fn copy(&self, from: &BlobKey, to: &BlobKey) -> Result<Option<Stored>, BlobError>;

    /// Lets go of what an emptied bucket leaves behind (directories). Never removes a blob.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn forget_bucket(&self, bid: u64) -> Result<(), BlobError>;

    /// The id in the deployment marker; `None` when there is none.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn deployment(&self) -> Result<Option<Deployment>, BlobError>;

    /// Writes the deployment marker if there is none, and says which id is there now.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn bind(&self, deployment: Deployment) -> Result<Deployment, BlobError>;

    /// What kind of backend this is.
    fn facts(&self) -> Facts;
}
