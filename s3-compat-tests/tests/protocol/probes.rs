//! What clients ask of a bucket before they use it.

use s3_compat_tests::sign::Request;

use super::{Fixture, element};

#[tokio::test]
async fn probes_are_answered_as_for_a_bucket_that_was_never_configured() {
    let mut f = Fixture::new().await;
    f.ok(&Request::new("PUT", "/bucket/key").body(b"x"), b"x").await;
    for (query, status, said) in [
        ("location=", 200, "LocationConstraint"),
        ("versioning=", 200, "VersioningConfiguration"),
        ("versions=", 200, "<VersionId>null</VersionId>"),
        ("acl=", 200, "FULL_CONTROL"),
        ("requestPayment=", 200, "<Payer>BucketOwner</Payer>"),
        ("logging=", 200, "BucketLoggingStatus"),
        ("notification=", 200, "NotificationConfiguration"),
        ("accelerate=", 200, "AccelerateConfiguration"),
        ("uploads=", 200, "ListMultipartUploadsResult"),
        ("object-lock=", 404, "ObjectLockConfigurationNotFoundError"),
        ("policy=", 404, "NoSuchBucketPolicy"),
        ("policyStatus=", 404, "NoSuchBucketPolicy"),
        ("cors=", 404, "NoSuchCORSConfiguration"),
        ("lifecycle=", 404, "NoSuchLifecycleConfiguration"),
        ("lifecycle=&withUpdatedAt=", 404, "NoSuchLifecycleConfiguration"),
        ("tagging=", 404, "NoSuchTagSet"),
        ("encryption=", 404, "ServerSideEncryptionConfigurationNotFoundError"),
        ("website=", 404, "NoSuchWebsiteConfiguration"),
        ("replication=", 404, "ReplicationConfigurationNotFoundError"),
        ("publicAccessBlock=", 404, "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls=", 404, "OwnershipControlsNotFoundError"),
        ("inventory=", 501, "NotImplemented"),
        ("analytics=", 501, "NotImplemented"),
        ("metrics=", 501, "NotImplemented"),
        ("intelligent-tiering=", 501, "NotImplemented"),
        ("metadataTable=", 501, "NotImplemented"),
        ("session=", 501, "NotImplemented"),
    ] {
        let (answer, document) = f.send(&Request::new("GET", "/bucket").query(query), b"").await;
        assert_eq!(answer.status, status, "{query}: {document}");
        assert!(document.contains(said), "{query}: {document}");
        assert_eq!(answer.header("content-type"), Some("application/xml"), "{query}");
        if status == 200 {
            assert!(!document.contains("<Status>") && !document.contains("<Error>"), "{query}: {document}");
            let (answer, document) = f.send(&Request::new("GET", "/absent").query(query), b"").await;
            assert_eq!((answer.status, element(&document, "Code")), (404, "NoSuchBucket"), "{query}");
        } else {
            assert_eq!(element(&document, "Code"), said);
        }
    }
    f.finish();
}

#[tokio::test]
async fn harmless_values_are_accepted_and_what_is_not_honoured_is_refused() {
    let mut f = Fixture::new().await;
    for (name, value) in [
        ("x-amz-storage-class", "STANDARD"),
        ("x-amz-acl", "private"),
        ("x-amz-acl", ""),
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-request-payer", "requester"),
        ("x-amz-te", "append-md5"),
        ("x-amz-user-agent", "aws-sdk"),
        ("x-amz-api-version", "2006-03-01"),
        ("x-amz-tagging", ""),
        ("x-amz-expected-bucket-owner", "terrace"),
    ] {
        let (answer, said) =
            f.send(&Request::new("PUT", "/bucket/key").header(name, value).body(b"x"), b"x").await;
        assert_eq!(answer.status, 200, "{name}: {value}: {said}");
        assert_eq!(answer.header("x-amz-transfer-encoding"), None);
    }
    f.ok(&Request::new("DELETE", "/bucket/key").header("x-amz-bypass-governance-retention", "true"), b"")
        .await;
    for (name, value, status) in [
        ("x-amz-server-side-encryption", "AES256", 501),
        ("x-amz-server-side-encryption", "aws:kms", 501),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", 501),
        ("x-amz-acl", "public-read", 501),
        ("x-amz-grant-full-control", "id=1", 501),
        ("x-amz-object-lock-mode", "COMPLIANCE", 501),
        ("x-amz-object-lock-legal-hold", "ON", 501),
        ("x-amz-tagging", "a=b", 501),
        ("x-amz-storage-class", "FAST", 400),
        ("x-amz-checksum-md4", "AAAA", 400),
        ("x-amz-sdk-checksum-algorithm", "MD4", 400),
        ("x-amz-checksum-algorithm", "XXHASH9", 400),
        ("x-amz-security-token", "token", 400),
        ("x-amz-content-md5x", "", 200),
    ] {
        let (answer, said) =
            f.send(&Request::new("PUT", "/bucket/key").header(name, value).body(b"x"), b"x").await;
        assert_eq!(answer.status, status, "{name}: {value}: {said}");
        if status != 200 {
            let (answer, _) = f.send(&Request::new("GET", "/bucket/key"), b"").await;
            assert_eq!(answer.status, 404, "{name}: {value}: it was written");
        }
    }
    f.finish();
}
