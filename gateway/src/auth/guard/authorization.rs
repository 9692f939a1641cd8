//! Signature Version 4 in the `Authorization` header.

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::super::Refusal;
use super::claim::{Carrier, Claim, SKEW};
use super::scope::Scope;
use super::signature::parse_hex32;
use super::signed_headers::SignedHeaders;
use super::timestamp::Timestamp;

/// Reads the claim of a request that has an `Authorization` header of Version 4. `now` in seconds since the epoch.
///
/// # Errors
/// `AuthorizationHeaderMalformed`, `AccessDenied` without a readable `x-amz-date`, `InvalidRequest` without
/// `x-amz-content-sha256`, `RequestTimeTooSkewed`.
pub(crate) fn claim(parts: &Parts, now: i64) -> Result<Claim<'_>, Refusal> {
    let malformed = |what: &'static str| Carrier::Header.malformed(what);
    let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let fields = value.and_then(|value| value.trim().strip_prefix("AWS4-HMAC-SHA256"));
    let fields = fields.ok_or_else(|| malformed("it is not ASCII."))?;
    let (mut credential, mut headers, mut signature) = (None, None, None);
    for field in fields.split(',') {
        let Some((name, value)) = field.trim().split_once('=') else {
            return Err(malformed("a component has no '='."));
        };
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut headers,
            "Signature" => &mut signature,
            _ => return Err(malformed("it has an unknown component.")),
        };
        if slot.replace(value).is_some() {
            return Err(malformed("it has a component twice."));
        }
    }
    let credential = credential.ok_or_else(|| malformed("it has no Credential."))?;
    let headers = headers.ok_or_else(|| malformed("it has no SignedHeaders."))?;
    let signature = signature.ok_or_else(|| malformed("it has no Signature."))?;
    let scope = Scope::parse(credential).map_err(malformed)?;
    let headers = SignedHeaders::parse(headers).ok_or_else(|| malformed("SignedHeaders is malformed."))?;
    let signature = parse_hex32(signature.as_bytes()).ok_or_else(|| malformed("Signature is malformed."))?;

    let date = parts.headers.get("x-amz-date").map(http::HeaderValue::as_bytes);
    let at = date
        .and_then(Timestamp::parse)
        .ok_or(Refusal::AccessDenied("AWS authentication requires a valid x-amz-date header"))?;
    if now.abs_diff(at.seconds()) > SKEW.unsigned_abs() {
        return Err(Refusal::RequestTimeTooSkewed);
    }
    let payload = parts
        .headers
        .get("x-amz-content-sha256")
        .ok_or(Refusal::InvalidRequest("Missing required header for this request: x-amz-content-sha256"))?;
    Ok(Claim { carrier: Carrier::Header, scope, at, headers, signature, payload: payload.as_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const NOW: i64 = 1_369_353_600;
    const CREDENTIAL: &str = "Credential=AK/20130524/us-east-1/s3/aws4_request";

    fn code(authorization: &str, date: &str) -> String {
        let request = Request::get("/")
            .header(AUTHORIZATION, authorization)
            .header("x-amz-date", date)
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        claim(&parts, NOW).map_or_else(|refusal| refusal.code().as_str().to_owned(), |_| "ok".into())
    }

    fn full() -> String {
        format!("AWS4-HMAC-SHA256 {CREDENTIAL}, SignedHeaders=host, Signature={}", "a".repeat(64))
    }

    #[test]
    fn the_components_are_read_with_or_without_spaces_and_in_any_order() {
        assert_eq!(code(&full(), "20130524T000000Z"), "ok");
        let odd = format!("AWS4-HMAC-SHA256 Signature={},SignedHeaders=host,{CREDENTIAL}", "a".repeat(64));
        assert_eq!(code(&odd, "20130524T000000Z"), "ok");
    }

    #[test]
    fn a_malformed_header_is_refused() {
        let full = full();
        for text in [
            "AWS4-HMAC-SHA256".to_owned(),
            full.replace("Signature=", "Sig="),
            full.replace(", Signature", " Signature"),
            full.replace(CREDENTIAL, "Credential=AK"),
            full.replace("=host", "=host;host"),
            full.replace("aaaa", "aaa"),
            full.replace("aaaa", "zzzz"),
            format!("{full}, {CREDENTIAL}"),
            full.replace(", SignedHeaders=host", ""),
            full.replace(&format!("{CREDENTIAL}, "), ""),
            full.replace("AK/", "A\u{e9}/"),
        ] {
            assert_eq!(code(&text, "20130524T000000Z"), "AuthorizationHeaderMalformed", "{text}");
        }
    }

    #[test]
    fn a_request_is_fresh_for_15_minutes_in_both_directions() {
        for (date, wanted) in [
            ("20130524T001500Z", "ok"),
            ("20130523T234500Z", "ok"),
            ("20130524T001501Z", "RequestTimeTooSkewed"),
            ("20130523T234459Z", "RequestTimeTooSkewed"),
            ("99991231T235959Z", "RequestTimeTooSkewed"),
            ("", "AccessDenied"),
            ("Fri, 24 May 2013 00:00:00 GMT", "AccessDenied"),
        ] {
            assert_eq!(code(&full(), date), wanted, "{date}");
        }
    }

    #[test]
    fn a_signed_request_names_its_payload() {
        let request =
            Request::get("/").header(AUTHORIZATION, full()).header("x-amz-date", "20130524T000000Z");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert!(matches!(claim(&parts, NOW), Err(Refusal::InvalidRequest(_))));
    }
}
