//! Who can be struck.

/// What an operation does, by which faults find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Begins a transaction and reads.
    Read,
    /// Asks for its read version, as whoever names a bucket does.
    Version,
    /// Reads rows by their keys.
    Get,
    /// Reads a range of rows.
    Range,
    /// Commits.
    Commit,
    /// Stores a blob.
    BlobPut,
    /// Reads a blob.
    BlobGet,
    /// Lists blobs.
    BlobList,
    /// Deletes a blob.
    BlobDelete,
    /// Looks at a blob, a bucket or the deployment.
    BlobLook,
    /// Copies a blob.
    BlobCopy,
    /// Receives a client's body.
    Body,
    /// Is a client's call.
    Call,
}

impl Touch {
    /// Whether it is a call to the long-term tier.
    pub(crate) fn is_long_term(self) -> bool {
        matches!(
            self,
            Self::BlobPut
                | Self::BlobGet
                | Self::BlobList
                | Self::BlobDelete
                | Self::BlobLook
                | Self::BlobCopy
        )
    }
}

impl Operation {
    /// How many times as often as others it is struck: those that are seldom called, or seldom get as far as to write.
    pub(crate) fn boost(self) -> u64 {
        match self {
            Self::DeleteBucket | Self::Copy | Self::CopyPart | Self::Sweep | Self::Open => 4,
            Self::CreateBucket | Self::Recover | Self::Abort | Self::GetRange => 2,
            _ => 1,
        }
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $text:literal, [$($touch:ident)*];)*) => {
        /// An operation: a client's call, or what runs without one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation { $($(#[$doc])* $name,)* }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in tables, and the origin of its tasks.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it does, its cleanups included.
            #[must_use]
            pub fn touches(self) -> &'static [Touch] {
                match self { $(Self::$name => &[$(Touch::$touch,)*],)* }
            }
        }
    };
}

operations! {
    /// A body of at most `inline_max` bytes.
    PutInline = "put inline", [Read Version Get Commit Body Call];
    /// A body above it.
    PutLarge = "put large", [Read Version Get Commit BlobPut Body Call];
    /// A put with a condition, of any size.
    PutIf = "put conditional", [Read Version Get Commit BlobPut Body Call];
    /// A whole object.
    Get = "get", [Read Version Get Range BlobGet Call];
    /// A range of one.
    GetRange = "get range", [Read Version Get Range BlobGet Call];
    /// A record.
    Head = "head", [Read Version Get Call];
    /// A listing, page by page.
    List = "list", [Read Version Get Range Call];
    /// A listing with a delimiter.
    ListFolded = "list folded", [Read Version Get Range Call];
    /// One key.
    Delete = "delete", [Read Version Get Commit Call];
    /// One key, on a condition.
    DeleteIf = "delete conditional", [Read Version Get Commit Call];
    /// Several keys.
    DeleteMany = "delete many", [Read Version Get Commit Call];
    /// An upload begins.
    CreateUpload = "create upload", [Read Version Get Commit Call];
    /// A part, of any size.
    UploadPart = "upload part", [Read Version Get Commit BlobPut Body Call];
    /// A part from an object.
    CopyPart = "copy part", [Read Version Get Range Commit BlobPut BlobGet Call];
    /// Parts become an object.
    Complete = "complete", [Read Version Get Range Commit Call];
    /// An upload ends without one.
    Abort = "abort", [Read Version Get Commit Call];
    /// Parts of an upload.
    ListParts = "list parts", [Read Version Get Range Call];
    /// Open uploads.
    ListUploads = "list uploads", [Read Version Get Range Call];
    /// An object to another key.
    Copy = "copy", [Read Version Get Range Commit BlobPut BlobGet BlobCopy Call];
    /// New metadata.
    CopyOnto = "copy onto itself", [Read Version Get Commit Call];
    /// A bucket is made.
    CreateBucket = "create bucket", [Read Get Commit Call];
    /// A bucket goes.
    DeleteBucket = "delete bucket", [Read Version Get Range Commit Call];
    /// A node starts.
    Open = "open", [Read Get Range Commit BlobLook];
    /// A peer takes the tickets of a node.
    Recover = "recover", [Read Get Range Commit];
    /// The worker over the queue.
    Reclaim = "reclaim", [Read Get Range Commit BlobDelete BlobLook];
    /// A proof with repair.
    Sweep = "sweep", [Read Get Range Commit BlobList BlobLook];
}

impl Operation {
    /// Whether it may store a blob under a ticket.
    pub(crate) fn may_be_large(self) -> bool {
        self.touches().contains(&Touch::BlobPut)
    }
}

/// Looks an operation up by the origin of a task.
pub(crate) fn names(origin: Option<&'static str>) -> Option<Operation> {
    let origin = origin?;
    Operation::ALL.iter().copied().find(|operation| operation.name() == origin)
}
