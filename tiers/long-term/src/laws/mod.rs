//! The laws of [`BlobStore`]: one function each, the same for every backend and every layer. A law panics where it is broken.
//!
//! [`blob_store_laws!`](crate::blob_store_laws) makes a test of each law that holds everywhere;
//! [`blob_store_local_laws!`](crate::blob_store_local_laws) of those that hold only where a delete sees the puts under way
//! (memory, filesystem; not a remote object store).

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a law that is broken panics, as an assertion does"
)]

mod bodies;
mod deployment;
mod endings;
mod local;
mod names;

use std::any::Any;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};

use crate::blob::{BlobBody, BlobStore, Listed, SizeHint};
use crate::error::BodyError;
use crate::key::BlobKey;

pub use bodies::*;
pub use deployment::*;
pub use endings::*;
pub use local::*;
pub use names::*;

/// An empty store to hold against a law. It should list few blobs a page (ten), so that a law needs few blobs to see several pages.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn BlobStore>,
    /// Waits until nothing is under way that the store does on its own (cleanups, last steps).
    pub settle: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    /// How much there is that belongs to no finished blob (temporary files).
    pub leftovers: Box<dyn Fn() -> usize + Send + Sync>,
    /// What must live as long as the store.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Subject {
    /// A subject that does nothing on its own and leaves nothing.
    pub fn plain(store: Arc<dyn BlobStore>) -> Self {
        Self {
            store,
            settle: Box::new(|| Box::pin(std::future::ready(()))),
            leftovers: Box::new(|| 0),
            keep: Box::new(()),
        }
    }

    /// Deletes `key`, lets everything settle, and asserts that nothing of it is there, before and after.
    async fn delete_and_find_nothing(&self, key: &BlobKey) {
        self.store.delete(key).await.unwrap();
        self.assert_absent(key).await;
        (self.settle)().await;
        self.assert_absent(key).await;
        assert_eq!((self.leftovers)(), 0, "leftovers of {key:?}");
    }

    async fn assert_absent(&self, key: &BlobKey) {
        assert!(self.store.head(key).await.unwrap().is_none(), "head finds {key:?}");
        assert!(self.store.get(key, None).await.unwrap().is_none(), "get finds {key:?}");
        assert!(self.all(key.bid).await.iter().all(|listed| listed.key != *key), "list finds {key:?}");
    }

    /// Every blob of a bucket, in the order of its pages.
    async fn all(&self, bid: u64) -> Vec<Listed> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(bid, after).await.unwrap();
            assert!(page.damaged.is_empty(), "damaged: {:?}", page.damaged);
            all.extend(page.blobs);
            after = page.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// The key `name` in bucket `bid` with the revision `number`; different numbers differ in the last byte and in the first.
#[must_use]
pub fn key(bid: u64, name: impl Into<Bytes>, number: u64) -> BlobKey {
    let rev = (u128::from(number) << 64 | u128::from(number)).to_be_bytes();
    BlobKey { bid, key: name.into(), rev }
}

/// `size` bytes that differ from place to place and from seed to seed.
#[must_use]
pub fn pattern(size: usize, seed: u64) -> Bytes {
    let mut word = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = BytesMut::with_capacity(size + 8);
    while bytes.len() < size {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.truncate(size);
    bytes.freeze()
}

/// A body in chunks of at most `chunk` bytes (at least one).
#[must_use]
pub fn body(mut bytes: Bytes, chunk: usize) -> BlobBody {
    Box::pin(stream::iter(std::iter::from_fn(move || {
        let next = bytes.split_to(bytes.len().min(chunk.max(1)));
        (!next.is_empty()).then_some(Ok(next))
    })))
}

/// The same body, pending once before each chunk and before the end.
fn body_with_pauses(bytes: Bytes, chunk: usize) -> BlobBody {
    Box::pin(body(bytes, chunk).then(yielding).chain(stream::once(yielding(Ok(Bytes::new())))))
}

async fn yielding(chunk: Result<Bytes, BodyError>) -> Result<Bytes, BodyError> {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
    chunk
}

/// Stores `bytes` in chunks of 64 KiB with an exact hint.
async fn put(store: &dyn BlobStore, key: &BlobKey, bytes: &Bytes) {
    let size = bytes.len() as u64;
    let stored = store.put(key, body(bytes.clone(), 64 * 1024), SizeHint::Exact(size)).await.unwrap();
    assert_eq!(stored.size, size);
}

/// All bytes of a body.
///
/// # Errors
/// The body's own error.
pub async fn read(mut body: BlobBody) -> Result<Bytes, BodyError> {
    let mut all = BytesMut::new();
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all.freeze())
}

/// Asserts that `key` holds exactly `bytes`, by head and by get.
async fn assert_holds(store: &dyn BlobStore, key: &BlobKey, bytes: &Bytes) {
    assert_eq!(store.head(key).await.unwrap().unwrap().size, bytes.len() as u64, "size of {key:?}");
    let got = store.get(key, None).await.unwrap().unwrap();
    assert_eq!(got.size, bytes.len() as u64);
    assert!(read(got.body).await.unwrap() == *bytes, "bytes of {key:?}");
}

/// Makes a test of each law that every blob store keeps. `$subject` is a path to an `async fn() -> Subject`.
#[macro_export]
macro_rules! blob_store_laws {
    ($subject:path) => {
        $crate::blob_store_laws! { @each $subject;
            what_is_put_is_got
            many_small_chunks_are_one_body
            ranges_are_exact_and_clamped
            absent_is_none_and_deleting_it_is_fine
            puts_at_once_do_not_mix
            the_same_revision_twice_is_one_blob
            put_dropped_at_every_poll_then_delete_leaves_nothing
            put_timed_out_then_delete_leaves_nothing
            a_body_that_breaks_leaves_nothing_and_its_own_error_comes_back
            a_body_of_another_length_is_refused_and_leaves_nothing
            nothing_is_visible_before_the_last_chunk
            a_listing_has_each_blob_exactly_once_with_its_name
            keys_that_look_like_paths_live_side_by_side
            buckets_do_not_see_each_other
            a_copy_equals_its_source_and_an_absent_source_is_none
            forgetting_a_bucket_removes_no_blob
            bind_is_create_only
        }
    };
    (@each $subject:path; $($law:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                $crate::laws::$law($subject().await).await;
            }
        )*
    };
}

/// Makes a test of each law that a store keeps whose deletes see the puts under way.
#[macro_export]
macro_rules! blob_store_local_laws {
    ($subject:path) => {
        $crate::blob_store_laws! { @each $subject;
            a_reader_that_opened_before_a_delete_reads_to_the_end
            a_delete_takes_back_the_puts_under_way
            a_delete_wins_every_race_with_a_put
        }
    };
}
