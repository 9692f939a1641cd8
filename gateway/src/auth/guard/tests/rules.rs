//! Each rule with a bad request, as a client would see it.

use super::*;
use http::HeaderValue;

async fn admit(parts: Parts) -> Result<Parts, String> {
    admit_at(&guard(), parts).await
}

async fn admit_at(guard: &Guard, parts: Parts) -> Result<Parts, String> {
    guard.admit(with_body(parts, "")).await.map(|(request, _)| request.into_parts().0).map_err(refusal)
}

fn signed(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut parts = parts(method, uri, headers);
    EXAMPLE.sign(&mut parts);
    parts
}

fn presigned(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut parts = parts(method, uri, headers);
    EXAMPLE.presign(&mut parts, "60");
    parts
}

#[tokio::test]
async fn a_good_request_is_admitted_without_its_signature() {
    for parts in [signed("GET", "/b/k?versionId=a%2Bb", &[]), presigned("GET", "/b/k?versionId=a%2Bb", &[])] {
        let parts = admit(parts).await.unwrap();
        assert_eq!(parts.uri, "/b/k?versionId=a%2Bb");
        assert!(!parts.headers.contains_key("authorization"));
        assert_eq!(parts.headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
        assert_eq!(parts.extensions.get::<Identity>().unwrap().access_key(), EXAMPLE.access_key);
    }
}

#[tokio::test]
async fn a_request_without_a_signature_has_no_identity() {
    let parts = admit(parts("GET", "/b/k", &[])).await.unwrap();
    assert!(parts.extensions.get::<Identity>().is_none());
}

#[tokio::test]
async fn rule_1_a_header_that_nobody_signed_is_refused() {
    for mut parts in [signed("PUT", "/b/k", &[]), presigned("PUT", "/b/k", &[])] {
        parts.headers.insert("x-amz-copy-source", HeaderValue::from_static("/other/secret"));
        assert_eq!(admit(parts).await.unwrap_err(), "403 AccessDenied");
    }
    for sign in [signed, presigned] {
        let mut parts = sign("PUT", "/b/k", &[("x-amz-copy-source", "/b/a")]);
        parts.headers.insert("x-amz-copy-source", HeaderValue::from_static("/other/secret"));
        assert_eq!(admit(parts).await.unwrap_err(), "403 SignatureDoesNotMatch");
    }
    let mut parts = Request::get("/b/k").body(()).unwrap().into_parts().0;
    EXAMPLE.sign(&mut parts);
    parts.headers.insert("host", HeaderValue::from_static("127.0.0.1:9000"));
    assert_eq!(admit(parts).await.unwrap_err(), "403 AccessDenied", "host not signed");
}

#[tokio::test]
async fn rule_1_a_header_that_was_signed_must_be_there() {
    let mut parts = signed("GET", "/b/k", &[("range", "bytes=0-1")]);
    parts.headers.remove("range");
    assert_eq!(admit(parts).await.unwrap_err(), "403 SignatureDoesNotMatch");
}

#[tokio::test]
async fn rule_2_the_life_of_a_presigned_request_is_bounded() {
    for (expires, wanted) in [
        ("0", "400 AuthorizationQueryParametersError"),
        ("604801", "400 AuthorizationQueryParametersError"),
        ("-1", "400 AuthorizationQueryParametersError"),
        ("604800", "ok"),
        ("1", "ok"),
    ] {
        let mut parts = parts("GET", "/b/k", &[]);
        EXAMPLE.presign(&mut parts, expires);
        assert_eq!(admit(parts).await.map_or_else(|code| code, |_| "ok".into()), wanted, "{expires}");
    }
}

#[tokio::test]
async fn rule_13_duplicates_of_deciding_headers_are_refused() {
    for name in ["host", "x-amz-date", "authorization", "content-length"] {
        let mut parts = signed("GET", "/b/k", &[("content-length", "0")]);
        let value = parts.headers[name].clone();
        parts.headers.append(http::HeaderName::from_static(name), value);
        assert_eq!(admit(parts).await.unwrap_err(), "400 InvalidRequest", "{name}");
    }
}

#[tokio::test]
async fn rule_14_the_region_is_compared() {
    let west = guard_of("eu-west-1");
    let header = admit_at(&west, signed("GET", "/b/k", &[])).await.unwrap_err();
    assert_eq!(header, "400 AuthorizationHeaderMalformed");
    let query = admit_at(&west, presigned("GET", "/b/k", &[])).await.unwrap_err();
    assert_eq!(query, "400 AuthorizationQueryParametersError");
    assert!(admit_at(&west, signed("GET", "/b?location", &[])).await.is_ok());
    assert!(admit_at(&west, signed("PUT", "/b?location", &[])).await.is_err());
}

#[tokio::test]
async fn rule_14_metadata_is_limited_hoisted_or_not() {
    let (long, short) = ("v".repeat(2048), "v".repeat(2047));
    for sign in [signed, presigned] {
        let refused = admit(sign("PUT", "/b/k", &[("x-amz-meta-a", &long)])).await.unwrap_err();
        assert_eq!(refused, "400 MetadataTooLarge");
        assert!(admit(sign("PUT", "/b/k", &[("x-amz-meta-a", &short)])).await.is_ok());
    }
    let hoisted = presigned("PUT", &format!("/b/k?x-amz-meta-a={long}"), &[]);
    assert_eq!(admit(hoisted).await.unwrap_err(), "400 MetadataTooLarge");
    let hoisted = admit(presigned("PUT", "/b/k?x-amz-meta-a=v", &[])).await.unwrap();
    assert_eq!(hoisted.headers["x-amz-meta-a"], "v");
}

#[tokio::test]
async fn nothing_that_is_signed_may_change() {
    let change: [fn(&mut Parts); 5] = [
        |parts| parts.method = Method::DELETE,
        |parts| parts.uri = parts.uri.to_string().replace("/b/k", "/b/l").parse().unwrap(),
        |parts| parts.uri = parts.uri.to_string().replace("versionId=1", "versionId=2").parse().unwrap(),
        |parts| parts.uri = format!("{}&x=1", parts.uri).parse().unwrap(),
        |parts| drop(parts.headers.insert("host", HeaderValue::from_static("other:9000"))),
    ];
    for sign in [signed, presigned] {
        for (index, change) in change.iter().enumerate() {
            let mut parts = sign("GET", "/b/k?versionId=1", &[]);
            change(&mut parts);
            assert_eq!(admit(parts).await.unwrap_err(), "403 SignatureDoesNotMatch", "{index}");
        }
    }
}

#[tokio::test]
async fn wrong_keys_are_told_apart() {
    for (signer, wanted) in [
        (Signer { secret: "other", ..EXAMPLE }, "403 SignatureDoesNotMatch"),
        (Signer { access_key: "NOBODY", ..EXAMPLE }, "403 InvalidAccessKeyId"),
        (Signer { timestamp: "20130524T001600Z", ..EXAMPLE }, "403 RequestTimeTooSkewed"),
        (Signer { timestamp: "20130523T234400Z", ..EXAMPLE }, "403 RequestTimeTooSkewed"),
    ] {
        let mut parts = parts("GET", "/b/k", &[]);
        signer.sign(&mut parts);
        assert_eq!(admit(parts).await.unwrap_err(), wanted);
    }
}

#[tokio::test]
async fn a_scope_of_another_day_is_refused() {
    let mut parts = signed("GET", "/b/k", &[]);
    let other = parts.headers["authorization"].to_str().unwrap().replace("/20130524/", "/20130523/");
    parts.headers.insert("authorization", other.parse().unwrap());
    assert_eq!(admit(parts).await.unwrap_err(), "400 AuthorizationHeaderMalformed");
}

#[tokio::test]
async fn a_path_is_accepted_as_encoded_and_as_sent() {
    for (path, encoded) in [
        ("/b/a%20b%2B%C3%A9", "/b/a%20b%2B%C3%A9"),
        ("/b/a%2Fb", "/b/a%2Fb"),
        ("/b/a(1)+b", "/b/a%281%29%2Bb"),
        ("/b/a(1)+b", "/b/a(1)+b"),
        ("/b//x/./y/", "/b//x/./y/"),
    ] {
        let mut parts = signed("GET", encoded, &[]);
        parts.uri = path.parse().unwrap();
        assert_eq!(admit(parts).await.unwrap().uri, path);
    }
    let mut parts = signed("GET", "/b/a", &[]);
    parts.uri = "/b/%61%2F".parse().unwrap();
    assert_eq!(admit(parts).await.unwrap_err(), "403 SignatureDoesNotMatch");
}

#[tokio::test]
async fn over_http_2_the_host_is_the_authority() {
    let http_2 = |host: Option<&str>| {
        let mut parts = signed("GET", "/b/k", &[]);
        parts.version = Version::HTTP_2;
        parts.uri = "http://127.0.0.1:9000/b/k".parse().unwrap();
        parts.headers.remove("host");
        if let Some(host) = host {
            parts.headers.insert("host", host.parse().unwrap());
        }
        parts
    };
    assert!(admit(http_2(None)).await.is_ok());
    assert!(admit(http_2(Some("127.0.0.1:9000"))).await.is_ok());
    assert_eq!(admit(http_2(Some("other"))).await.unwrap_err(), "400 InvalidRequest");
    let mut http_1 = http_2(None);
    http_1.version = Version::HTTP_11;
    assert_eq!(admit(http_1).await.unwrap_err(), "403 SignatureDoesNotMatch");
}

#[tokio::test]
async fn what_is_not_built_is_refused() {
    let token = signed("GET", "/b/k", &[("x-amz-security-token", "t")]);
    assert_eq!(admit(token).await.unwrap_err(), "400 InvalidToken");
    let form = signed("POST", "/b", &[("content-type", "multipart/form-data; boundary=x")]);
    assert_eq!(admit(form).await.unwrap_err(), "501 NotImplemented");
    let version_2 = parts("GET", "/b/k", &[("authorization", "AWS AK:c2lnbmF0dXJl")]);
    assert_eq!(admit(version_2).await.unwrap_err(), "400 InvalidRequest");
    let asymmetric = [("x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")];
    assert_eq!(admit(signed("PUT", "/b/k", &asymmetric)).await.unwrap_err(), "501 NotImplemented");
    let streaming = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    assert_eq!(admit(presigned("PUT", "/b/k", &streaming)).await.unwrap_err(), "501 NotImplemented");
}

#[tokio::test]
async fn a_payload_form_must_fit_the_request() {
    let nonsense = signed("PUT", "/b/k", &[("x-amz-content-sha256", "nonsense")]);
    assert_eq!(admit(nonsense).await.unwrap_err(), "400 InvalidArgument");
    let coding = ("content-encoding", "gzip, aws-chunked");
    let unframed = signed("PUT", "/b/k", &[coding, ("content-length", "3")]);
    assert_eq!(admit(unframed).await.unwrap_err(), "400 InvalidRequest");
    let empty = admit(signed("POST", "/b/k?uploads", &[coding])).await.unwrap();
    assert_eq!(empty.headers["content-encoding"], "gzip");
    let unsigned = [("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")];
    assert_eq!(admit(parts("PUT", "/b/k", &unsigned)).await.unwrap_err(), "403 AccessDenied");
}

#[tokio::test]
async fn a_refusal_carries_the_request_id() {
    let mut parts = parts("GET", "/b/k", &[("authorization", "AWS4-HMAC-SHA256")]);
    parts.extensions.insert(RequestId("17C3".into()));
    let answer = guard().admit(with_body(parts, "")).await.unwrap_err();
    assert_eq!(answer.headers()["x-amz-request-id"], "17C3");
    let body = answer.into_body().bytes().unwrap();
    assert!(String::from_utf8_lossy(&body).contains("<RequestId>17C3</RequestId>"));
}
