//! Rule 3: what of Signature Version 2 is accepted, as a client sends it.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::*;
use crate::server::Domain;

const SECONDS: u64 = NOW / 1_000;
const WEEK: u64 = 604_800;

/// Base64 of HMAC-SHA1, escaped for a query.
fn sign(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(EXAMPLE.secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes());
    signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// The query of a signature of `text` that ends with `expires`.
fn query(text: &str, expires: u64) -> String {
    format!("AWSAccessKeyId={}&Signature={}&Expires={expires}", EXAMPLE.access_key, sign(text))
}

/// A request of `/b/k` presigned for an hour.
fn presigned(method: &str, resource: &str) -> String {
    let end = SECONDS + 3_600;
    let mark = if resource.contains('?') { '&' } else { '?' };
    format!("{resource}{mark}{}", query(&format!("{method}\n\n\n{end}\n{resource}"), end))
}

async fn admit(guard: &Guard, parts: Parts) -> Result<Parts, String> {
    guard.admit(with_body(parts, "")).await.map(|(request, _)| request.into_parts().0).map_err(refusal)
}

#[tokio::test]
async fn the_published_example_is_accepted() {
    let credential = Credential::new(EXAMPLE.access_key, Secret::new(EXAMPLE.secret));
    let keys: StaticCredentials = [credential].into_iter().collect();
    let domain = Some(Domain::new("s3.amazonaws.com"));
    let clock = Arc::new(ManualClock::at(1_175_139_000_000));
    let guard =
        Guard::new(GuardOptions { domain, ..GuardOptions::default() }, Arc::new(keys), clock, Tasks::new());
    let uri = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D\
               &Expires=1175139620";
    let request = Request::get(uri).header("host", "johnsmith.s3.amazonaws.com").body(()).unwrap();
    let admitted = admit(&guard, request.into_parts().0).await.unwrap();
    assert_eq!(admitted.uri, "/photos/puppy.jpg");
    assert_eq!(admitted.extensions.get::<Identity>().unwrap().access_key(), EXAMPLE.access_key);
    let request = Request::get(uri).header("host", "johnsmyth.s3.amazonaws.com").body(()).unwrap();
    assert_eq!(admit(&guard, request.into_parts().0).await.unwrap_err(), "403 SignatureDoesNotMatch");
}

#[tokio::test]
async fn reads_and_writes_of_objects_are_accepted_and_nothing_else() {
    for (method, resource, wanted) in [
        ("GET", "/b/k", "ok"),
        ("HEAD", "/b/k", "ok"),
        ("PUT", "/b/k", "ok"),
        ("GET", "/b/k%20%2B?response-content-type=a", "ok"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "ok"),
        ("DELETE", "/b/k", "400 InvalidRequest"),
        ("POST", "/b/k?uploads", "400 InvalidRequest"),
        ("GET", "/b", "400 InvalidRequest"),
        ("GET", "/b/", "400 InvalidRequest"),
        ("PUT", "/b", "400 InvalidRequest"),
        ("GET", "/", "400 InvalidRequest"),
    ] {
        let parts = parts(method, &presigned(method, resource), &[]);
        let answer = admit(&guard(), parts).await;
        assert_eq!(
            answer.map_or_else(
                |code| if method == "HEAD" { code.trim_end().to_owned() } else { code },
                |parts| {
                    assert_eq!(parts.uri, resource);
                    "ok".to_owned()
                }
            ),
            wanted,
            "{method} {resource}"
        );
    }
}

#[tokio::test]
async fn it_lives_until_its_end_and_at_most_a_week() {
    for (end, wanted) in [
        (SECONDS + 1, "ok"),
        (SECONDS + WEEK, "ok"),
        (SECONDS, "403 AccessDenied"),
        (SECONDS - 1, "403 AccessDenied"),
        (SECONDS + WEEK + 15 * 60 + 1, "400 AuthorizationQueryParametersError"),
        (u64::MAX, "403 AccessDenied"),
    ] {
        let uri = format!("/b/k?{}", query(&format!("GET\n\n\n{end}\n/b/k"), end));
        let answer = admit(&guard(), parts("GET", &uri, &[])).await;
        assert_eq!(answer.map_or_else(|code| code, |_| "ok".into()), wanted, "{end}");
    }
    for end in ["", "-1", "1e9", "x", "2026-01-01T00:00:00Z"] {
        let text = format!("GET\n\n\n{end}\n/b/k");
        let uri =
            format!("/b/k?AWSAccessKeyId={}&Signature={}&Expires={end}", EXAMPLE.access_key, sign(&text));
        assert_eq!(admit(&guard(), parts("GET", &uri, &[])).await.unwrap_err(), "403 AccessDenied", "{end}");
    }
}

#[tokio::test]
async fn nothing_that_is_signed_may_change_and_nothing_else_is_believed() {
    let good = presigned("GET", "/b/k?versionId=1");
    let put = presigned("PUT", "/b/k");
    let denied = "403 SignatureDoesNotMatch";
    for (method, uri, headers, wanted) in [
        ("HEAD", good.clone(), &[][..], "403 "),
        ("GET", good.replace("/b/k", "/b/l"), &[], denied),
        ("GET", good.replace("versionId=1", "versionId=2"), &[], denied),
        ("GET", good.replace("versionId=1&", ""), &[], denied),
        ("GET", format!("{good}&acl"), &[], denied),
        ("GET", good.replace("Signature=", "Signature=A"), &[], denied),
        ("GET", good.replace(EXAMPLE.access_key, "AKSTRANGER"), &[], "403 InvalidAccessKeyId"),
        ("GET", good.replace("Signature=", "x="), &[], "403 AccessDenied"),
        ("GET", good.replace("Expires=", "x="), &[], "403 AccessDenied"),
        ("GET", format!("{good}&Expires=9999999999"), &[], "403 AccessDenied"),
        ("GET", format!("{good}&X-Amz-Signature=1"), &[], "400 InvalidArgument"),
        ("GET", format!("{good}&x-amz-security-token=t"), &[], "400 InvalidToken"),
        ("PUT", put.clone(), &[("x-amz-copy-source", "/other/secret")], denied),
        ("PUT", format!("{put}&x-amz-copy-source=%2Fother%2Fsecret"), &[], denied),
        ("PUT", put.clone(), &[("x-amz-meta-a", "1")], denied),
        ("PUT", put.clone(), &[("content-type", "text/html")], denied),
        ("PUT", put.clone(), &[("authorization", "AWS4-HMAC-SHA256 x")], "400 InvalidArgument"),
    ] {
        let refused = admit(&guard(), parts(method, &uri, headers)).await.unwrap_err();
        assert_eq!(refused, wanted, "{method} {uri} {headers:?}");
    }
    let admitted = admit(&guard(), parts("GET", &format!("{good}&attributes&x-id=1"), &[])).await.unwrap();
    assert_eq!(admitted.uri, "/b/k?versionId=1");
}

#[tokio::test]
async fn headers_that_botocore_puts_into_the_query_are_signed_and_applied() {
    let end = SECONDS + 60;
    let text = format!("PUT\n\ntext/plain\n{end}\nx-amz-acl:private\nx-amz-meta-a:b c\n/b/k");
    let uri =
        format!("/b/k?{}&x-amz-meta-a=b%20c&content-type=text%2Fplain&x-amz-acl=private", query(&text, end));
    let admitted = admit(&guard(), parts("PUT", &uri, &[])).await.unwrap();
    assert_eq!(
        (&admitted.headers["x-amz-meta-a"], &admitted.headers["content-type"]),
        (&http::HeaderValue::from_static("b c"), &http::HeaderValue::from_static("text/plain"))
    );
    assert_eq!(admitted.uri, "/b/k");
    let changed = uri.replace("b%20c", "b%20d");
    assert_eq!(admit(&guard(), parts("PUT", &changed, &[])).await.unwrap_err(), "403 SignatureDoesNotMatch");
}

#[tokio::test]
async fn it_can_be_turned_off_and_a_header_of_version_2_is_refused_always() {
    let credential = Credential::new(EXAMPLE.access_key, Secret::new(EXAMPLE.secret));
    let keys: StaticCredentials = [credential].into_iter().collect();
    let options = GuardOptions { presigned_v2: false, ..GuardOptions::default() };
    let off = Guard::new(options, Arc::new(keys), Arc::new(ManualClock::at(NOW)), Tasks::new());
    let uri = presigned("GET", "/b/k");
    assert_eq!(admit(&off, parts("GET", &uri, &[])).await.unwrap_err(), "400 InvalidRequest");
    let header = format!("AWS {}:{}", EXAMPLE.access_key, "c2lnbmF0dXJl");
    for guard in [off, guard()] {
        let signed = parts("GET", "/b/k", &[("authorization", &header)]);
        assert_eq!(admit(&guard, signed).await.unwrap_err(), "400 InvalidRequest");
    }
}
