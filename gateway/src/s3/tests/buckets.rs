//! Buckets and probes.

use super::Client;

#[tokio::test]
async fn a_bucket_is_made_once_found_and_deleted_when_empty() {
    let client = Client::new().await;
    for uri in ["/bkt", "/bkt/"] {
        assert_eq!(client.send("HEAD", uri, &[], "").await.status, 404);
    }
    let made = client.put("/bkt", &[("x-amz-bucket-object-lock-enabled", "false")], "").await;
    assert_eq!(made.header("location"), "/bkt");
    client.send("PUT", "/bkt/", &[], "").await.refused(409, "BucketAlreadyOwnedByYou");
    let head = client.send("HEAD", "/bkt/", &[], "").await;
    assert_eq!((head.status.as_u16(), head.header("x-amz-bucket-region")), (200, "us-east-1"));
    client.put("/bkt/k", &[], "x").await;
    client.send("DELETE", "/bkt", &[], "").await.refused(409, "BucketNotEmpty");
    assert_eq!(client.send("DELETE", "/bkt/k", &[], "").await.status, 204);
    assert_eq!(client.send("DELETE", "/bkt", &[], "").await.status, 204);
    client.send("DELETE", "/bkt", &[], "").await.refused(404, "NoSuchBucket");
    client.send("PUT", "/Not_a_bucket", &[], "").await.refused(400, "InvalidBucketName");
    client.send("PUT", "/ab-s3alias", &[], "").await.refused(400, "InvalidBucketName");
}

#[tokio::test]
async fn a_location_constraint_names_this_region_or_the_default_one() {
    let asked = |region: &str| {
        format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        )
    };
    let client = Client::in_region("eu-central-1").await;
    client.put("/here", &[], asked("eu-central-1")).await;
    client.put("/default", &[], asked("us-east-1")).await;
    client
        .send("PUT", "/elsewhere", &[], asked("eu-west-1"))
        .await
        .refused(400, "IllegalLocationConstraintException");
    client.send("PUT", "/elsewhere", &[], "<Broken").await.refused(400, "MalformedXML");
    assert_eq!(client.get("/here?location", &[]).await.one("LocationConstraint"), "");
    let location = client.get("/here?location", &[]).await;
    assert!(location.text().contains(">eu-central-1</LocationConstraint>"), "{}", location.text());
    let default = Client::with_bucket().await.get("/bkt?location", &[]).await;
    assert!(default.text().contains(
        "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>"
    ));
    client.get("/nowhere?location", &[]).await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn buckets_are_listed_by_pages_and_prefix() {
    let client = Client::new().await;
    for bucket in ["b-2", "a-1", "b-1", "b-3"] {
        client.put(&format!("/{bucket}"), &[], "").await;
    }
    let all = client.get("/", &[]).await;
    assert_eq!(all.all("Name"), ["a-1", "b-1", "b-2", "b-3"]);
    assert!(!all.one("Owner").is_empty());
    assert!(all.text().contains("<CreationDate>2026-01-02T03:04:05.000Z</CreationDate>"));
    let first = client.get("/?max-buckets=2&prefix=b-", &[]).await;
    assert_eq!(first.all("Name"), ["b-1", "b-2"]);
    let token = first.one("ContinuationToken");
    let rest = client.get(&format!("/?max-buckets=2&prefix=b-&continuation-token={token}"), &[]).await;
    assert_eq!((rest.all("Name"), rest.one("ContinuationToken")), (vec!["b-3".to_owned()], String::new()));
    client.get("/?continuation-token=x", &[]).await.refused(400, "InvalidArgument");
    client.get("/?max-buckets=0", &[]).await.refused(400, "InvalidArgument");
}

#[tokio::test]
async fn probes_answer_as_for_a_bucket_without_the_configuration() {
    let client = Client::with_bucket().await;
    let absent = [
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("tagging", "NoSuchTagSet"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
    ];
    for (probe, code) in absent {
        client.get(&format!("/bkt?{probe}"), &[]).await.refused(404, code);
        client.get(&format!("/nowhere?{probe}"), &[]).await.refused(404, "NoSuchBucket");
    }
    for (probe, inside) in [
        ("versioning", "VersioningConfiguration"),
        ("acl", "<Permission>FULL_CONTROL</Permission>"),
        ("requestPayment", "<Payer>BucketOwner</Payer>"),
        ("logging", "BucketLoggingStatus"),
        ("notification", "NotificationConfiguration"),
        ("accelerate", "AccelerateConfiguration"),
    ] {
        let answer = client.get(&format!("/bkt?{probe}"), &[]).await;
        assert_eq!(answer.status, 200, "{probe}");
        assert!(answer.text().contains(inside) && !answer.text().contains("<Status>"), "{}", answer.text());
        client.get(&format!("/nowhere?{probe}"), &[]).await.refused(404, "NoSuchBucket");
    }
}

#[tokio::test]
async fn an_expected_owner_is_the_one_account_or_access_is_denied() {
    let client = Client::with_bucket().await;
    let other = [("x-amz-expected-bucket-owner", "123456789012")];
    assert_eq!(client.send("HEAD", "/bkt", &other, "").await.status, 403);
    client.send("PUT", "/bkt/k", &other, "x").await.refused(403, "AccessDenied");
    client.put("/bkt/k", &[("x-amz-expected-bucket-owner", "terrace")], "x").await;
}
