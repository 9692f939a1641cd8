//! What a signed request says of itself, wherever it says it; and the rules that hold for both places.

use std::borrow::Cow;

use super::super::Refusal;
use super::scope::Scope;
use super::signed_headers::SignedHeaders;
use super::timestamp::Timestamp;

/// A request may be signed this many seconds ago or ahead (S3: 15 minutes), inclusive.
pub(crate) const SKEW: i64 = 15 * 60;

/// Where a claim was found: decides the code of its refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The `Authorization` header.
    Header,
    /// The query of a presigned request.
    Query,
    /// The query of a request presigned with version 2.
    QueryVersion2,
}

impl Carrier {
    /// A claim that cannot be read.
    pub(crate) fn malformed(self, what: impl Into<Cow<'static, str>>) -> Refusal {
        match self {
            Self::Header => Refusal::AuthorizationHeaderMalformed(what.into()),
            Self::Query | Self::QueryVersion2 => Refusal::AuthorizationQueryParameters(what.into()),
        }
    }
}

/// What a signed request claims. Nothing of it is verified but its shape and its age.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) carrier: Carrier,
    pub(crate) scope: Scope<'a>,
    pub(crate) at: Timestamp,
    pub(crate) headers: SignedHeaders<'a>,
    pub(crate) signature: [u8; 32],
    /// The last line of the canonical request.
    pub(crate) payload: &'a [u8],
}

impl Claim<'_> {
    /// The day of the scope is that of the request, and the region is ours (rule 14). `us-east-1` is accepted as well where
    /// `location_probe` says that the client asks for the region: minio-go cannot know it yet.
    pub(crate) fn check_scope(&self, region: &str, location_probe: bool) -> Result<(), Refusal> {
        if self.scope.date != self.at.date() {
            return Err(self.carrier.malformed("the date in the Credential is not that of X-Amz-Date."));
        }
        if self.scope.region == region || (location_probe && self.scope.region == "us-east-1") {
            return Ok(());
        }
        Err(Refusal::WrongRegion {
            presigned: !matches!(self.carrier, Carrier::Header),
            named: self.scope.region.to_owned(),
            region: region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(carrier: Carrier, region: &'static str, at: &[u8]) -> Claim<'static> {
        Claim {
            carrier,
            scope: Scope { access_key: "AK", date: *b"20130524", region },
            at: Timestamp::parse(at).unwrap(),
            headers: SignedHeaders::parse("host").unwrap(),
            signature: [0; 32],
            payload: b"UNSIGNED-PAYLOAD",
        }
    }

    fn code(result: Result<(), Refusal>) -> String {
        result.map_or_else(|refusal| refusal.code().as_str().to_owned(), |()| "ok".to_owned())
    }

    #[test]
    fn the_scope_must_name_our_region() {
        let (at, ours) = (b"20130524T000000Z", "eu-west-1");
        assert_eq!(code(claim(Carrier::Header, "eu-west-1", at).check_scope(ours, false)), "ok");
        let wrong = claim(Carrier::Header, "us-east-1", at);
        assert_eq!(code(wrong.check_scope(ours, false)), "AuthorizationHeaderMalformed");
        let told = wrong.check_scope(ours, false).unwrap_err();
        assert!(matches!(told, Refusal::WrongRegion { region, .. } if region == ours));
        let wrong = claim(Carrier::Query, "", at);
        assert_eq!(code(wrong.check_scope(ours, false)), "AuthorizationQueryParametersError");
    }

    #[test]
    fn a_client_that_asks_for_the_region_need_not_know_it() {
        let at = b"20130524T000000Z";
        assert_eq!(code(claim(Carrier::Header, "us-east-1", at).check_scope("eu-west-1", true)), "ok");
        let other = claim(Carrier::Header, "us-west-2", at).check_scope("eu-west-1", true);
        assert_eq!(code(other), "AuthorizationHeaderMalformed");
    }

    #[test]
    fn the_day_of_the_scope_must_be_that_of_the_request() {
        let claim = claim(Carrier::Header, "r", b"20130525T000000Z");
        assert_eq!(code(claim.check_scope("r", false)), "AuthorizationHeaderMalformed");
    }
}
