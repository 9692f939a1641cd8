//! Every write, over everything it may meet: what faults and interruptions are tried on.

use bytes::Bytes;
use terrace_store::object::{DeleteCondition, Metadata};
use terrace_store::ops::multipart::UploadRef;
use terrace_store::ops::object::{MetadataDirective, Written};
use terrace_store::{Error, Refusal};

use super::{Counters, Dump, THRESHOLD, World, bytes, completion, key};

const SMALL: usize = 70_000;
const LARGE: usize = THRESHOLD + 30_000;

/// What is written to the key `k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Put(usize),
    Delete,
    DeleteMany,
    /// An object of two parts takes the place, a third part is not listed.
    Complete,
    Abort,
    /// A part of this size, in place of another.
    Part(usize),
    /// From an object of this size.
    Copy(usize),
    /// With new metadata, so large that it spills.
    CopyOntoItself,
}

/// An act, and what is there before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) act: Act,
    /// Bytes of the object that is there.
    pub(crate) before: Option<usize>,
}

/// What an act needs besides its key.
pub(crate) struct Ready {
    upload: Option<UploadRef>,
    listed: Vec<(i32, Written)>,
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for before in [None, Some(SMALL), Some(LARGE)] {
        for act in [Act::Put(SMALL), Act::Put(LARGE), Act::Complete, Act::Copy(SMALL), Act::Copy(LARGE)] {
            cases.push(Case { act, before });
        }
        if before.is_some() {
            for act in [Act::Delete, Act::DeleteMany, Act::CopyOntoItself] {
                cases.push(Case { act, before });
            }
        }
    }
    for act in [Act::Abort, Act::Part(SMALL), Act::Part(LARGE)] {
        cases.push(Case { act, before: None });
    }
    cases
}

impl Case {
    /// Whether the act brings bytes to the long-term tier.
    pub(crate) fn is_large(self) -> bool {
        matches!(self.act, Act::Put(LARGE) | Act::Part(LARGE) | Act::Copy(LARGE))
    }

    /// The letter of the family that its commit, and no other commit of it, writes.
    pub(crate) fn record(self) -> char {
        match self.act {
            Act::Abort => 'U',
            Act::Part(_) => 'P',
            _ => 'O',
        }
    }

    /// The object before.
    fn old(self) -> Option<Bytes> {
        self.before.map(|size| bytes(size, 1))
    }

    /// The object after.
    fn expected(self) -> Option<Bytes> {
        match self.act {
            Act::Put(size) => Some(bytes(size, 2)),
            Act::Complete => Some(bytes(LARGE, 3)),
            Act::Copy(size) => Some(bytes(size, 4)),
            Act::Delete | Act::DeleteMany => None,
            Act::CopyOntoItself | Act::Abort | Act::Part(_) => self.old(),
        }
    }

    /// Makes what is there before.
    pub(crate) async fn prepare(self, world: &World) -> Ready {
        if let Some(old) = self.old() {
            world.put("k", &old).await.unwrap();
        }
        let mut ready = Ready { upload: None, listed: Vec::new() };
        match self.act {
            Act::Copy(size) => drop(world.put("source", &bytes(size, 4)).await.unwrap()),
            Act::Complete | Act::Abort | Act::Part(_) => {
                let upload = world.open_upload("k").await;
                for (n, size) in [(1, LARGE), (2, LARGE), (3, SMALL)] {
                    let part = world.upload(&upload, n, &bytes(size, 3)).await.unwrap();
                    if n == 1 {
                        ready.listed.push((n, part));
                    }
                }
                ready.upload = Some(upload);
            }
            _ => {}
        }
        ready
    }

    /// Acts once.
    pub(crate) async fn act(self, world: &World, ready: &Ready) -> Result<(), Error> {
        let upload = || ready.upload.as_ref().unwrap();
        match self.act {
            Act::Put(size) => world.put("k", &bytes(size, 2)).await.map(drop),
            Act::Delete => world.delete("k").await,
            Act::DeleteMany => {
                let keys = vec![(key("k"), DeleteCondition::default())];
                let mut deleted = world.store.delete_objects(world.bucket.clone(), keys).await?;
                deleted.remove(0).outcome
            }
            Act::Complete => world.store.complete_upload(completion(upload(), &ready.listed)).await.map(drop),
            Act::Abort => world.store.abort_upload(upload().clone()).await,
            Act::Part(size) => world.upload(upload(), 1, &bytes(size, 5)).await.map(drop),
            Act::Copy(_) => world.store.copy_object(world.copy_request("source", "k")).await.map(drop),
            Act::CopyOntoItself => {
                let mut request = world.copy_request("k", "k");
                let said = vec![("said".to_owned(), "x".repeat(1_000))];
                request.metadata = MetadataDirective::Replace(Metadata { user: said, ..Metadata::default() });
                world.store.copy_object(request).await.map(drop)
            }
        }
    }

    /// Whether the act has happened, from what can be read; the object is whole as it was or as it was to be.
    async fn happened(self, world: &World) -> bool {
        let found = match world.get("k").await {
            Ok(found) => Some(found),
            Err(Error::Refused(Refusal::NoSuchKey)) => None,
            Err(error) => panic!("{self:?}: {error:?}"),
        };
        let (old, new) = (self.old(), self.expected());
        assert!(found == old || found == new, "{self:?}: neither the old object nor the new one");
        found == new
    }

    /// After everything has settled: checks what is there against the counters and both tiers, then deletes it all and checks that nothing
    /// is left. `done`: what the client was told, if it was told anything.
    pub(crate) async fn verify(self, world: &World, ready: &Ready, done: Option<bool>) {
        world.settle_for_good().await;
        let happened = self.happened(world).await;
        if let Some(done) = done
            && self.old() != self.expected()
        {
            assert_eq!(happened, done, "{self:?}");
        }
        world.assert_sound().await;
        let mut counters = Counters::default();
        for name in ["k", "source"] {
            if let Ok(found) = world.get(name).await {
                counters.objects += 1;
                counters.bytes += found.len() as i64;
            }
        }
        let counted = world.counters().await;
        assert_eq!((counted.objects, counted.bytes), (counters.objects, counters.bytes), "{self:?}");
        if let Some(upload) = &ready.upload {
            match world.store.abort_upload(upload.clone()).await {
                Ok(()) | Err(Error::Refused(Refusal::NoSuchUpload)) => {}
                Err(error) => panic!("{self:?}: {error:?}"),
            }
        }
        for name in ["k", "source"] {
            world.delete(name).await.unwrap();
        }
        world.settle_for_good().await;
        assert_eq!(world.dump().await, Dump::new(), "{self:?}");
        world.assert_empty().await;
    }
}
