//! What a bucket holds, from its counters.

use terrace_high_volume::{Key, Read, Transaction};

use crate::error::Result;
use crate::name::BucketName;
use crate::rows;
use crate::rows::counter::Field;
use crate::store::Store;
use crate::transact::{Reading, Stop};

/// What a bucket holds. Exact: each number changes in the transaction that changes what it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Objects.
    pub objects: i64,
    /// Bytes of their bodies.
    pub bytes: i64,
    /// Bytes of the parts of open uploads.
    pub upload_bytes: i64,
}

impl Store {
    /// What a bucket holds: three point reads, whatever its size.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn bucket_usage(&self, bucket: &BucketName) -> Result<Usage> {
        self.read("read usage", &mut Counters { store: self, bucket }).await
    }
}

struct Counters<'s> {
    store: &'s Store,
    bucket: &'s BucketName,
}

impl Reading for Counters<'_> {
    type Output = Usage;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Usage, Stop> {
        let bid = self.store.bucket_row(txn, self.bucket, Read::Snapshot).await?.bid;
        let keys: Vec<Key> = [Field::Objects, Field::Bytes, Field::UploadBytes]
            .into_iter()
            .map(|field| rows::counter::key(bid, field))
            .collect();
        let mut counts = [0; 3];
        for (count, value) in counts.iter_mut().zip(txn.get_many(&keys, Read::Snapshot).await?) {
            *count = value.map(|value| rows::counter::decode(&value)).transpose()?.unwrap_or(0);
        }
        let [objects, bytes, upload_bytes] = counts;
        Ok(Usage { objects, bytes, upload_bytes })
    }
}
