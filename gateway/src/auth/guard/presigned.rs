//! Signature Version 4 in the query, and rule 2: a presigned request lives 1 to 604,800 seconds.

use http::request::Parts;

use super::super::Refusal;
use super::claim::{Carrier, Claim, SKEW};
use super::query::Query;
use super::scope::Scope;
use super::signature::parse_hex32;
use super::signed_headers::SignedHeaders;
use super::timestamp::Timestamp;

/// Seven days in seconds, inclusive.
const LONGEST: i64 = 604_800;

/// Reads the claim of a presigned request. `now` in seconds since the epoch.
///
/// # Errors
/// `AuthorizationQueryParametersError`; `AccessDenied` when it has expired or is not valid yet.
pub(crate) fn claim<'a>(parts: &'a Parts, query: &'a Query<'_>, now: i64) -> Result<Claim<'a>, Refusal> {
    let malformed = |what: &'static str| Carrier::Query.malformed(what);
    let field = |name| {
        query.once(name).ok_or_else(|| {
            malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
                 X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters, each once.",
            )
        })
    };
    let (algorithm, credential) = (field("X-Amz-Algorithm")?, field("X-Amz-Credential")?);
    let (date, expires) = (field("X-Amz-Date")?, field("X-Amz-Expires")?);
    let (headers, signature) = (field("X-Amz-SignedHeaders")?, field("X-Amz-Signature")?);
    if algorithm != "AWS4-HMAC-SHA256" {
        return Err(malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
    }
    let scope = Scope::parse(credential).map_err(malformed)?;
    let at = Timestamp::parse(date.as_bytes())
        .ok_or_else(|| malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""))?;
    let expires = lifetime(expires)?;
    let headers =
        SignedHeaders::parse(headers).ok_or_else(|| malformed("X-Amz-SignedHeaders is malformed"))?;
    let signature =
        parse_hex32(signature.as_bytes()).ok_or_else(|| malformed("X-Amz-Signature is malformed"))?;
    if at.seconds() - now > SKEW {
        return Err(Refusal::AccessDenied("Request is not valid yet"));
    }
    if now - at.seconds() > expires {
        return Err(Refusal::AccessDenied("Request has expired"));
    }
    // The body of a presigned request is signed only if the signer said so, in a signed header or in the (signed) query.
    let payload = match parts.headers.get("x-amz-content-sha256") {
        Some(value) => value.as_bytes(),
        None => query.once("X-Amz-Content-Sha256").unwrap_or("UNSIGNED-PAYLOAD").as_bytes(),
    };
    Ok(Claim { carrier: Carrier::Query, scope, at, headers, signature, payload })
}

fn lifetime(text: &str) -> Result<i64, Refusal> {
    let malformed = |what: &'static str| Carrier::Query.malformed(what);
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed("X-Amz-Expires should be a positive number"));
    }
    match text.parse() {
        Ok(0) => Err(malformed("X-Amz-Expires should be a positive number")),
        Ok(seconds @ 1..=LONGEST) => Ok(seconds),
        _ => Err(malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const NOW: i64 = 1_369_353_600;

    fn query() -> String {
        format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={}",
            "a".repeat(64)
        )
    }

    fn code(query: &str, now: i64) -> String {
        let (parts, ()) = Request::get("/").body(()).unwrap().into_parts();
        let result = claim(&parts, &Query::parse(query), now).map(|claim| claim.payload.to_vec());
        result.map_or_else(
            |refusal| refusal.code().as_str().to_owned(),
            |payload| String::from_utf8(payload).unwrap(),
        )
    }

    #[test]
    fn a_presigned_request_lives_from_1_second_to_7_days() {
        for (expires, accepted) in [
            ("1", true),
            ("604800", true),
            ("0", false),
            ("604801", false),
            ("4294967296", false),
            ("99999999999999999999999", false),
            ("-1", false),
            ("+1", false),
            ("", false),
            ("1.5", false),
        ] {
            let wanted = if accepted { "UNSIGNED-PAYLOAD" } else { "AuthorizationQueryParametersError" };
            let query = query().replace("Expires=60", &format!("Expires={}", expires.replace('+', "%2B")));
            assert_eq!(code(&query, NOW), wanted, "{expires}");
        }
    }

    #[test]
    fn it_is_valid_from_15_minutes_before_its_date_until_it_expires() {
        let query = query();
        assert_eq!(code(&query, NOW + 60), "UNSIGNED-PAYLOAD");
        assert_eq!(code(&query, NOW + 61), "AccessDenied");
        assert_eq!(code(&query, NOW - SKEW), "UNSIGNED-PAYLOAD");
        assert_eq!(code(&query, NOW - SKEW - 1), "AccessDenied");
    }

    #[test]
    fn each_parameter_is_there_once_and_well_formed() {
        let query = query();
        for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
            let name = format!("X-Amz-{name}");
            let without = query.replace(&format!("{name}="), "x=");
            assert_eq!(code(&without, NOW), "AuthorizationQueryParametersError", "without {name}");
            let twice = format!("{query}&{name}=1");
            assert_eq!(code(&twice, NOW), "AuthorizationQueryParametersError", "{name} twice");
            let spoil =
                |pair: &str| if pair.starts_with(&name) { format!("{pair};") } else { pair.to_owned() };
            let spoilt = query.split('&').map(spoil).collect::<Vec<_>>().join("&");
            assert_eq!(code(&spoilt, NOW), "AuthorizationQueryParametersError", "{name} malformed");
        }
    }

    #[test]
    fn the_payload_may_be_named_in_the_query() {
        assert_eq!(code(&format!("{}&X-Amz-Content-Sha256=ab", query()), NOW), "ab");
    }
}
