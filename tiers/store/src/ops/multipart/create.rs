//! CreateMultipartUpload.

use terrace_high_volume::{Mutation, Transaction};

use crate::error::Result;
use crate::name::{BucketName, ObjectKey, UploadId};
use crate::object::{ChecksumChoice, Metadata, StandardHeader};
use crate::ops::join;
use crate::rows;
use crate::rows::upload::UploadDoc;
use crate::store::Store;
use crate::transact::{Run, Step, Stop, Work};

/// What a client says of an object that will come in parts.
pub struct CreateUpload {
    /// Where.
    pub bucket: BucketName,
    /// Under which key.
    pub key: ObjectKey,
    /// What is said of it.
    pub metadata: Metadata,
    /// Which checksum it is to have, where the client names one.
    pub checksum: Option<ChecksumChoice>,
}

impl Store {
    /// Opens an upload: one transaction, without a read.
    ///
    /// # Errors
    /// `NoSuchBucket`, `MetadataTooLarge`.
    pub async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        request.metadata.check()?;
        self.expect_space()?;
        let store = self.clone();
        let task = self.tasks.operation("create upload", async move {
            let upload = UploadId(store.mint());
            let CreateUpload { bucket, key, metadata, checksum } = request;
            let storage_class = metadata.header(StandardHeader::StorageClass).map(str::to_owned);
            let initiated_ms = store.clock.wall();
            let doc = UploadDoc { initiated_ms, metadata, storage_class, checksum };
            let mut work = Create { store: &store, bucket: &bucket, key: &key, upload, doc };
            store.write(Run::client("create upload", upload.0), &mut work).await?;
            Ok(upload)
        });
        join(task, "create upload").await
    }
}

struct Create<'s> {
    store: &'s Store,
    bucket: &'s BucketName,
    key: &'s ObjectKey,
    upload: UploadId,
    doc: UploadDoc,
}

impl Work for Create<'_> {
    type Output = ();

    async fn attempt(&mut self, txn: &dyn Transaction) -> std::result::Result<Step<()>, Stop> {
        let bid = self.store.bucket(txn, self.bucket).await?;
        let row = rows::upload::key(bid, self.key, self.upload);
        txn.mutate(Mutation::Set { key: row, value: self.doc.encode() });
        Ok(Step::Write(()))
    }
}
