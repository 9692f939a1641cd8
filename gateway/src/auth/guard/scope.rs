//! The credential scope: `<access key>/<YYYYMMDD>/<region>/s3/aws4_request`.

/// Who signed, and for which day and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) date: [u8; 8],
    pub(crate) region: &'a str,
}

impl<'a> Scope<'a> {
    /// Reads a credential. Read from the right, since nothing forbids a slash in an access key.
    ///
    /// # Errors
    /// What is wrong with it, for the client.
    pub(crate) fn parse(credential: &'a str) -> Result<Self, &'static str> {
        const SHAPE: &str =
            "the Credential is malformed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
        let mut fields = credential.rsplitn(5, '/');
        let mut field = || fields.next().filter(|text| !text.is_empty()).ok_or(SHAPE);
        let (terminator, service, region, date, access_key) =
            (field()?, field()?, field()?, field()?, field()?);
        if terminator != "aws4_request" {
            return Err("incorrect terminal in the Credential. It should be \"aws4_request\".");
        }
        if service != "s3" {
            return Err("incorrect service in the Credential. This endpoint belongs to \"s3\".");
        }
        let date = date.as_bytes().try_into().map_err(|_| "incorrect date format in the Credential.")?;
        Ok(Self { access_key, date, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_from_the_right() {
        let scope = Scope::parse("a/b/20130524/us-east-1/s3/aws4_request").unwrap();
        assert_eq!(scope, Scope { access_key: "a/b", date: *b"20130524", region: "us-east-1" });
    }

    #[test]
    fn a_malformed_scope_is_refused() {
        for text in [
            "",
            "AK",
            "AK/20130524/us-east-1/s3",
            "/20130524/us-east-1/s3/aws4_request",
            "AK//us-east-1/s3/aws4_request",
            "AK/20130524//s3/aws4_request",
            "AK/2013052/us-east-1/s3/aws4_request",
            "AK/20130524/us-east-1/sts/aws4_request",
            "AK/20130524/us-east-1/s3/aws5_request",
            "AK/20130524/us-east-1/s3/aws4_request/",
        ] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
    }
}
