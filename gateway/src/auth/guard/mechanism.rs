//! Which kind of signature a request carries. Of Signature Version 2 only the query is known (rule 3).

use http::header::AUTHORIZATION;
use http::request::Parts;

use super::super::Refusal;
use super::query::Query;

/// Where the signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    /// There is none.
    Anonymous,
    /// Version 4 in the `Authorization` header.
    Header,
    /// Version 4 in the query: a presigned request.
    Query,
    /// Version 2 in the query.
    QueryVersion2,
}

/// Version 2 where it is not accepted.
pub(crate) const VERSION_2: Refusal = Refusal::InvalidRequest(
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
);

impl Mechanism {
    /// Finds the signature.
    ///
    /// # Errors
    /// More than one mechanism, Version 2 in a header, or a scheme that S3 does not know.
    pub(crate) fn of(parts: &Parts, query: &Query<'_>) -> Result<Self, Refusal> {
        let header = parts.headers.get(AUTHORIZATION);
        let version_4 = ["X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential"];
        let version_4 = version_4.into_iter().any(|name| query.has(name));
        let version_2 = query.has("Signature") || query.has("AWSAccessKeyId");
        match (header.map(|value| value.as_bytes().trim_ascii()), version_4, version_2) {
            (None, false, false) => Ok(Self::Anonymous),
            (None, true, false) => Ok(Self::Query),
            (None, false, true) => Ok(Self::QueryVersion2),
            (Some(value), false, false) => match value {
                b"" => Err(Refusal::AccessDenied("Access Denied")),
                _ if value.starts_with(b"AWS4-HMAC-SHA256") => Ok(Self::Header),
                _ if value.starts_with(b"AWS ") => Err(VERSION_2),
                _ => Err(Refusal::InvalidArgument("Unsupported Authorization Type")),
            },
            _ => Err(Refusal::InvalidArgument(
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
                 parameter or the Authorization header should be specified",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn of(query: &str, authorization: Option<&str>) -> Result<Mechanism, String> {
        let mut request = Request::get("/");
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Mechanism::of(&parts, &Query::parse(query)).map_err(|refusal| refusal.code().as_str().to_owned())
    }

    #[test]
    fn one_mechanism_is_found() {
        assert_eq!(of("list-type=2", None), Ok(Mechanism::Anonymous));
        assert_eq!(of("", Some("AWS4-HMAC-SHA256 Credential=..")), Ok(Mechanism::Header));
        assert_eq!(of("X%2dAmz-Signature=1", None), Ok(Mechanism::Query));
        assert_eq!(of("X-Amz-Credential=1", None), Ok(Mechanism::Query));
        for query in ["AWSAccessKeyId=AK&Expires=1&Signature=s", "Signature=s", "AWSAccess%4beyId=AK"] {
            assert_eq!(of(query, None), Ok(Mechanism::QueryVersion2), "{query}");
        }
    }

    #[test]
    fn two_mechanisms_are_refused() {
        for query in ["X-Amz-Signature=1", "Signature=1", "AWSAccessKeyId=1"] {
            assert_eq!(of(query, Some("AWS4-HMAC-SHA256 x")), Err("InvalidArgument".into()), "{query}");
        }
        assert_eq!(of("X-Amz-Signature=1&Signature=2", None), Err("InvalidArgument".into()));
    }

    #[test]
    fn version_2_in_a_header_and_unknown_schemes_are_refused() {
        assert_eq!(of("", Some("AWS AK:c2ln")), Err("InvalidRequest".into()));
        assert_eq!(of("", Some("Bearer x")), Err("InvalidArgument".into()));
        assert_eq!(of("", Some("")), Err("AccessDenied".into()));
    }
}
