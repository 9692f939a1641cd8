//! Session tokens: nobody here issues them, and ignoring one would honour a credential that was meant to expire.

use http::request::Parts;

use super::super::Refusal;
use super::query::Query;

/// Refuses a request that carries a session token. An empty header is none.
pub(crate) fn check(parts: &Parts, query: &Query<'_>) -> Result<(), Refusal> {
    let header = parts.headers.get("x-amz-security-token").is_some_and(|token| !token.is_empty());
    if header || query.has_in_any_case("X-Amz-Security-Token") { Err(Refusal::InvalidToken) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_session_token_is_refused_wherever_it_is() {
        for (header, query, accepted) in [
            (None, "", true),
            (Some(""), "", true),
            (Some("t"), "", false),
            (None, "X-Amz-Security-Token=t", false),
            (None, "x-amz-security-token=t", false),
        ] {
            let mut request = Request::get("/");
            if let Some(token) = header {
                request = request.header("x-amz-security-token", token);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(check(&parts, &Query::parse(query)).is_ok(), accepted, "{header:?} {query}");
        }
    }
}
