//! ListBuckets, HeadBucket.

use terrace_high_volume::{Read, Transaction};

use crate::catalog::Lookup;
use crate::error::{Refusal, Result};
use crate::name::BucketName;
use crate::rows::bucket::BucketRow;
use crate::store::Store;
use crate::transact::{Reading, Stop};

/// A bucket as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketInfo {
    /// Its name.
    pub name: BucketName,
    /// When it was made, milliseconds since the epoch.
    pub created_ms: u64,
    /// Who made it.
    pub owner: String,
}

impl Store {
    /// All buckets in the order of their names. From memory where this process is the only writer.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        if !self.facts.shared
            && let Some(buckets) = self.catalog.all()
        {
            return Ok(buckets.into_iter().map(|(name, row)| info(name, &row)).collect());
        }
        Ok(self.read_buckets().await?.into_iter().map(|(name, row)| info(name, &row)).collect())
    }

    /// One bucket. From memory where this process is the only writer.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub async fn head_bucket(&self, bucket: &BucketName) -> Result<BucketInfo> {
        if !self.facts.shared {
            match self.catalog.lookup(bucket) {
                Lookup::There(row) => return Ok(info(bucket.clone(), &row)),
                Lookup::Absent => return Err(Refusal::NoSuchBucket.into()),
                Lookup::Changing => {}
            }
        }
        self.read("head bucket", &mut Head { store: self, name: bucket }).await
    }
}

struct Head<'s> {
    store: &'s Store,
    name: &'s BucketName,
}

impl Reading for Head<'_> {
    type Output = BucketInfo;

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<BucketInfo, Stop> {
        let row = self.store.bucket_row(txn, self.name, Read::Snapshot).await?;
        Ok(info(self.name.clone(), &row))
    }
}

fn info(name: BucketName, row: &BucketRow) -> BucketInfo {
    BucketInfo { name, created_ms: row.created_ms, owner: row.owner.clone() }
}
