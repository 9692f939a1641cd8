//! What GetObject and HeadObject share: all but the body.

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::dto::Timestamp;
use terrace_store::name::{ObjectKey, PartNumber};
use terrace_store::object::ObjectChecksum;
use terrace_store::ops::object::{GetObject, ObjectInfo, Part, Selection};
use terrace_store::{Error, Refusal};

use super::{no_version, quoted};
use crate::s3::error::{Problem, Result, protocol};
use crate::s3::translate::{checksum, conditions, metadata, ranges, time};
use crate::s3::{Service, inbound};

const PARTS_COUNT: HeaderName = HeaderName::from_static("x-amz-mp-parts-count");

/// Fields that both inputs have under the same names.
pub(crate) struct Asked {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) expected_owner: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) part_number: Option<i32>,
    pub(crate) checksum: bool,
    /// `response-*`: headers that the client wants in place of the stored ones.
    pub(crate) overrides: [(HeaderName, Option<String>); 5],
    pub(crate) expires: Option<Timestamp>,
}

/// Takes an input apart.
macro_rules! asked {
    ($input:expr) => {{
        let input = $input;
        $crate::s3::object::read::Asked {
            bucket: input.bucket,
            key: input.key,
            expected_owner: input.expected_bucket_owner,
            version: input.version_id,
            part_number: input.part_number,
            checksum: input.checksum_mode.is_some_and(|mode| mode.as_str().eq_ignore_ascii_case("ENABLED")),
            overrides: $crate::s3::object::read::overrides([
                input.response_cache_control,
                input.response_content_disposition,
                input.response_content_encoding,
                input.response_content_language,
                input.response_content_type,
            ]),
            expires: input.response_expires,
        }
    }};
}
pub(crate) use asked;

/// Names for the values of `response-*`, in the order of [`asked!`].
pub(crate) fn overrides(values: [Option<String>; 5]) -> [(HeaderName, Option<String>); 5] {
    let [cache, disposition, encoding, language, content_type] = values;
    [
        (CACHE_CONTROL, cache),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_ENCODING, encoding),
        (CONTENT_LANGUAGE, language),
        (CONTENT_TYPE, content_type),
    ]
}

/// The store's request, and what of the client's shapes the answer.
pub(crate) struct Reading {
    request: GetObject,
    shape: Shape,
}

struct Shape {
    checksum: bool,
    overrides: [(HeaderName, Option<String>); 5],
    expires: Option<Timestamp>,
}

impl Reading {
    /// Reads a request.
    pub(crate) fn new(service: &Service, asked: Asked, extensions: &Extensions) -> Result<Self> {
        no_version(asked.version.as_deref())?;
        let received = inbound::received(extensions);
        let range = received.get(RANGE).and_then(|range| ranges::parse(range.as_bytes()));
        let selection = match (range, asked.part_number) {
            (Some(_), Some(_)) => {
                let both = "Cannot specify both Range header and partNumber query parameter";
                return Err(Refusal::InvalidRequest(both).into());
            }
            (Some(range), None) => Selection::Range(range),
            (None, Some(number)) => Selection::Part(PartNumber::new(number)?),
            (None, None) => Selection::Whole,
        };
        let request = GetObject {
            bucket: service.bucket(&asked.bucket, asked.expected_owner.as_deref())?,
            key: ObjectKey::new(asked.key)?,
            selection,
            condition: conditions::read(received)?,
        };
        let shape = Shape { checksum: asked.checksum, overrides: asked.overrides, expires: asked.expires };
        Ok(Self { request, shape })
    }

    /// Parts this from the store's request.
    pub(crate) fn split(self) -> (GetObject, Answer) {
        let part = matches!(self.request.selection, Selection::Part(_));
        (self.request, Answer { shape: self.shape, part })
    }
}

/// What becomes of the store's answer.
pub(crate) struct Answer {
    shape: Shape,
    part: bool,
}

impl Answer {
    /// Headers of the answer, and how many bytes its body has.
    pub(crate) fn headers(self, info: ObjectInfo, part: Option<Part>) -> (HeaderMap, u64) {
        let mut headers = HeaderMap::with_capacity(24);
        let length = part.as_ref().map_or(info.size, |part| part.range.end - part.range.start);
        headers.insert(ETAG, quoted(info.etag));
        headers.insert(LAST_MODIFIED, time::http_date(info.modified_ms));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        metadata::show(&mut headers, info.metadata);
        match part {
            None if self.shape.checksum => checksum::show(&mut headers, info.checksum.as_ref()),
            None => {}
            Some(part) => {
                if length > 0 {
                    let range = format!("bytes {}-{}/{}", part.range.start, part.range.end - 1, info.size);
                    headers.extend(HeaderValue::try_from(range).ok().map(|range| (CONTENT_RANGE, range)));
                }
                if let Some(sum) = part.checksum.filter(|_| self.shape.checksum) {
                    // The type is that of the object (S3 API, `GetObject`): COMPOSITE says that the whole has another.
                    checksum::show_value(&mut headers, Some(&sum.into()));
                    let kind = info.checksum.as_ref().map(ObjectChecksum::kind).map(checksum::type_name);
                    headers.extend(kind.map(|kind| (checksum::TYPE, HeaderValue::from_static(kind))));
                }
                if let Some(count) = part.parts_count {
                    headers.insert(PARTS_COUNT, HeaderValue::from(count));
                }
            }
        }
        for (name, value) in self.shape.overrides {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
        if let Some(expires) = self.shape.expires {
            let seconds = ::time::OffsetDateTime::from(expires).unix_timestamp();
            headers.insert(EXPIRES, time::http_date(u64::try_from(seconds).unwrap_or_default() * 1_000));
        }
        (headers, length)
    }

    /// A part that does not exist has a code of its own in S3.
    pub(crate) fn refused(&self, error: Error) -> Problem {
        match error {
            Error::Refused(Refusal::InvalidArgument(_)) if self.part => protocol(
                "InvalidPartNumber",
                StatusCode::RANGE_NOT_SATISFIABLE,
                "The requested partnumber is not satisfiable",
            )
            .into(),
            error => error.into(),
        }
    }
}
