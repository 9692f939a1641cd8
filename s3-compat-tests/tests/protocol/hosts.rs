//! Buckets named by the host, and by the path with and without a slash at its end.

use s3_compat_tests::server::{ACCESS_KEY, SECRET_KEY};
use s3_compat_tests::sign::{Request, Signer};

use super::{Fixture, element};

#[tokio::test]
async fn a_host_names_a_bucket_in_every_operation() {
    let mut f = Fixture::below("s3.example.test").await;
    let port = f.server.address().rsplit_once(':').unwrap().1.to_owned();
    for host in [format!("photos.s3.example.test:{port}"), "my.photos.S3.Example.Test".to_owned()] {
        f.signer = Signer::new(&host, ACCESS_KEY, SECRET_KEY);
        f.ok(&Request::new("PUT", "/").body(b""), b"").await;
        f.ok(&Request::new("HEAD", "/"), b"").await;
        // A key that would be a bucket and a key in a path.
        for key in ["/bucket/key", "/bucket", "/a b/ü+", "//x/"] {
            f.ok(&Request::new("PUT", key).body(key.as_bytes()), key.as_bytes()).await;
            assert_eq!(f.ok(&Request::new("GET", key), b"").await, key);
        }
        let page = f.ok(&Request::new("GET", "/").query("list-type=2"), b"").await;
        assert_eq!(element(&page, "KeyCount"), "4", "{page}");
        f.ok(&Request::new("GET", "/").query("location="), b"").await;
        let created = f.ok(&Request::new("POST", "/large").query("uploads=").body(b""), b"").await;
        let id = element(&created, "UploadId").to_owned();
        let part = Request::new("PUT", "/large").query(&format!("partNumber=1&uploadId={id}")).body(b"part");
        let (stored, _) = f.send(&part, b"part").await;
        let list = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
            stored.header("etag").unwrap()
        );
        let complete = Request::new("POST", "/large").query(&format!("uploadId={id}")).body(list.as_bytes());
        let completed = f.ok(&complete, list.as_bytes()).await;
        assert_eq!(element(&completed, "Location"), format!("http://{host}/large"));
        assert_eq!(f.ok(&Request::new("GET", "/large"), b"").await, "part");
        let delete = "<Delete><Object><Key>bucket</Key></Object><Object><Key>large</Key></Object></Delete>";
        f.ok(&Request::new("POST", "/").query("delete=").body(delete.as_bytes()), delete.as_bytes()).await;
        for key in ["/bucket/key", "/a b/ü+", "//x/"] {
            f.ok(&Request::new("DELETE", key), b"").await;
        }
        f.ok(&Request::new("DELETE", "/"), b"").await;
    }
    // The domain itself, and every other host, are path-style.
    for host in [
        format!("s3.example.test:{port}"),
        "S3.EXAMPLE.TEST".to_owned(),
        f.server.address().to_owned(),
        "localhost".to_owned(),
        "LOCALHOST:9000".to_owned(),
        "[::1]".to_owned(),
        format!("[::1]:{port}"),
        "[2001:DB8::1]:9000".to_owned(),
        "bucket.other.test".to_owned(),
    ] {
        f.signer = Signer::new(&host, ACCESS_KEY, SECRET_KEY);
        f.ok(&Request::new("PUT", "/bucket/key").body(b"x"), b"x").await;
        assert_eq!(f.ok(&Request::new("GET", "/"), b"").await.matches("<Bucket>").count(), 1);
    }
    f.finish();
}

#[tokio::test]
async fn a_slash_behind_a_bucket_means_the_bucket() {
    let mut f = Fixture::new().await;
    for path in ["/second", "/second/"] {
        f.ok(&Request::new("PUT", path).body(b""), b"").await;
        for path in ["/second", "/second/"] {
            f.ok(&Request::new("HEAD", path), b"").await;
            f.ok(&Request::new("PUT", "/second/key").body(b"x"), b"x").await;
            assert_eq!(element(&f.ok(&Request::new("GET", path), b"").await, "Key"), "key");
            let delete = "<Delete><Object><Key>key</Key></Object></Delete>";
            for query in ["delete=", "delete"] {
                let mut request = Request::new("POST", path).query("delete=").body(delete.as_bytes());
                let head = f.signer.head(&request);
                request.query.clear();
                let (answer, said) =
                    f.send_raw(&head.replace("?delete= ", &format!("?{query} ")), delete.as_bytes()).await;
                assert_eq!(answer.status, 200, "{path}?{query}: {said}");
            }
            assert_eq!(element(&f.ok(&Request::new("GET", path), b"").await, "Key"), "");
        }
        f.ok(&Request::new("DELETE", path), b"").await;
    }
    f.finish();
}
