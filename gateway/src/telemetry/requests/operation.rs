//! Names of operations: those of the S3 API for metrics, those of S3 server access logs for the access log.

use http::Method;

/// An operation of the S3 API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    name: &'static str,
    /// `METHOD.RESOURCE` of the access log where the rule of [`Operation::logged`] does not give it.
    logged: Option<&'static str>,
}

/// Those that this gateway serves. Others are counted together, so that the labels of a metric are bounded.
const SERVED: [Operation; 30] = [
    op("AbortMultipartUpload", "DELETE.UPLOAD"),
    op("CompleteMultipartUpload", "POST.UPLOAD"),
    op("CopyObject", "COPY.OBJECT"),
    op("CreateBucket", "PUT.BUCKET"),
    op("CreateMultipartUpload", "POST.UPLOADS"),
    op("DeleteBucket", "DELETE.BUCKET"),
    op("DeleteObject", "DELETE.OBJECT"),
    op("DeleteObjects", "POST.MULTI_OBJECT_DELETE"),
    op("GetBucketAcl", "GET.ACL"),
    op("GetBucketLocation", "GET.LOCATION"),
    op("GetBucketVersioning", "GET.VERSIONING"),
    op("GetObject", "GET.OBJECT"),
    op("GetObjectAcl", "GET.ACL"),
    op("GetObjectAttributes", "GET.OBJECT_ATTRIBUTES"),
    op("GetObjectLockConfiguration", "GET.OBJECT_LOCK"),
    op("GetObjectTagging", "GET.OBJECT_TAGGING"),
    op("HeadBucket", "HEAD.BUCKET"),
    op("HeadObject", "HEAD.OBJECT"),
    op("ListBuckets", "GET.SERVICE"),
    op("ListMultipartUploads", "GET.UPLOADS"),
    op("ListObjects", "GET.BUCKET"),
    op("ListObjectsV2", "GET.BUCKET"),
    op("ListObjectVersions", "GET.BUCKETVERSIONS"),
    op("ListParts", "GET.UPLOAD"),
    op("PutBucketAcl", "PUT.ACL"),
    op("PutObject", "PUT.OBJECT"),
    op("PutObjectAcl", "PUT.ACL"),
    op("PutObjectTagging", "PUT.OBJECT_TAGGING"),
    op("UploadPart", "PUT.PART"),
    op("UploadPartCopy", "COPY.PART"),
];

const fn op(name: &'static str, logged: &'static str) -> Operation {
    Operation { name, logged: Some(logged) }
}

impl Operation {
    /// Of a request that was refused before it was known what it asks for.
    pub const NONE: Self = Self { name: "none", logged: None };
    const OTHER: Self = Self { name: "other", logged: None };

    /// The operation of this name in the S3 API.
    #[must_use]
    pub fn named(name: &str) -> Self {
        SERVED.into_iter().find(|operation| operation.name == name).unwrap_or(Self::OTHER)
    }

    /// The name in the S3 API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The name, if this gateway serves it.
    pub(in crate::telemetry) fn served(self) -> Option<&'static str> {
        self.logged.map(|_| self.name)
    }

    /// The name in S3 server access logs (S3 User Guide, "Amazon S3 server access log format"): `REST.PUT.OBJECT`.
    pub(super) fn logged(self, method: &Method, on_key: bool) -> String {
        match self.logged {
            Some(logged) => format!("REST.{logged}"),
            None => format!("REST.{method}.{}", if on_key { "OBJECT" } else { "BUCKET" }),
        }
    }
}
