//! Conditions of reads and writes (RFC 9110, section 13; S3 user guide, "Conditional requests").

use crate::error::Refusal;
use crate::object::etag::ETag;

/// The value of an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ETagList {
    /// `*`
    Any,
    /// One or more ETags as they came, quotes and all.
    These(Vec<String>),
}

impl ETagList {
    fn holds(&self, etag: ETag) -> bool {
        match self {
            Self::Any => true,
            Self::These(list) => list.iter().any(|text| etag.matches(text)),
        }
    }
}

/// Conditions of GET, HEAD and of a copy's source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadCondition {
    /// `If-Match`
    pub if_match: Option<ETagList>,
    /// `If-None-Match`
    pub if_none_match: Option<ETagList>,
    /// `If-Modified-Since`, seconds since the epoch.
    pub if_modified_since: Option<i64>,
    /// `If-Unmodified-Since`, seconds since the epoch.
    pub if_unmodified_since: Option<i64>,
    /// `If-Range`: not a condition of the request but of its range.
    pub if_range: Option<IfRange>,
}

/// The value of an `If-Range` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfRange {
    /// An ETag as it came, quotes and all; a weak one never holds (RFC 9110, section 13.1.5).
    ETag(String),
    /// A date, seconds since the epoch; it holds if it is exactly Last-Modified.
    Date(i64),
}

/// Conditions of PUT, complete and copy destination, evaluated inside the transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteCondition {
    /// `If-Match`
    pub if_match: Option<ETagList>,
    /// `If-None-Match`
    pub if_none_match: Option<ETagList>,
}

impl ReadCondition {
    /// Evaluates against what is there, in the order of RFC 9110, section 13.2.2, at a granularity of one second.
    ///
    /// # Errors
    /// [`Refusal::PreconditionFailed`] or [`Refusal::NotModified`].
    pub fn check(&self, etag: ETag, modified_ms: u64) -> Result<(), Refusal> {
        let modified = i64::try_from(modified_ms / 1_000).unwrap_or(i64::MAX);
        let not_modified = || Refusal::NotModified { etag: etag.to_string(), modified_ms };
        match (&self.if_match, self.if_unmodified_since) {
            (Some(list), _) if !list.holds(etag) => return Err(Refusal::PreconditionFailed("If-Match")),
            (None, Some(since)) if modified > since => {
                return Err(Refusal::PreconditionFailed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(list), _) if list.holds(etag) => Err(not_modified()),
            (None, Some(since)) if modified <= since => Err(not_modified()),
            _ => Ok(()),
        }
    }

    /// Whether a range that the client asked for is to be served; if not, the whole body is.
    #[must_use]
    pub fn keeps_range(&self, etag: ETag, modified_ms: u64) -> bool {
        match &self.if_range {
            None => true,
            Some(IfRange::ETag(text)) => etag.matches(text),
            Some(IfRange::Date(date)) => u64::try_from(*date).is_ok_and(|date| date == modified_ms / 1_000),
        }
    }

    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl WriteCondition {
    /// Evaluates against the object that is there now, if any.
    ///
    /// # Errors
    /// [`Refusal::PreconditionFailed`]; [`Refusal::NoSuchKey`] for `If-Match` where nothing is (S3 API, `PutObject`: 404).
    pub fn check(&self, current: Option<ETag>) -> Result<(), Refusal> {
        match (&self.if_match, current) {
            (Some(_), None) => return Err(Refusal::NoSuchKey),
            (Some(list), Some(etag)) if !list.holds(etag) => {
                return Err(Refusal::PreconditionFailed("If-Match"));
            }
            _ => {}
        }
        match (&self.if_none_match, current) {
            (Some(list), Some(etag)) if list.holds(etag) => Err(Refusal::PreconditionFailed("If-None-Match")),
            _ => Ok(()),
        }
    }

    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Conditions of DELETE, evaluated inside the transaction (S3 API, `DeleteObject`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteCondition {
    /// `If-Match` and `If-None-Match`.
    pub etags: WriteCondition,
    /// `x-amz-if-match-last-modified-time`, seconds since the epoch.
    pub last_modified: Option<i64>,
    /// `x-amz-if-match-size`, bytes.
    pub size: Option<u64>,
}

impl From<WriteCondition> for DeleteCondition {
    fn from(etags: WriteCondition) -> Self {
        Self { etags, ..Self::default() }
    }
}

impl DeleteCondition {
    /// Evaluates against the ETag, Last-Modified (milliseconds) and size (bytes) of what is there now. Where nothing is, conditions on time
    /// and size hold, and there is nothing to delete (S3 API, `DeleteObject`: 204).
    ///
    /// # Errors
    /// As [`WriteCondition::check`].
    pub fn check(&self, current: Option<(ETag, u64, u64)>) -> Result<(), Refusal> {
        self.etags.check(current.map(|(etag, ..)| etag))?;
        let Some((_, modified_ms, size)) = current else { return Ok(()) };
        let modified = i64::try_from(modified_ms / 1_000).unwrap_or(i64::MAX);
        if self.last_modified.is_some_and(|wanted| wanted != modified) {
            return Err(Refusal::PreconditionFailed("x-amz-if-match-last-modified-time"));
        }
        if self.size.is_some_and(|wanted| wanted != size) {
            return Err(Refusal::PreconditionFailed("x-amz-if-match-size"));
        }
        Ok(())
    }

    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Revision;

    const HERE: ETag = ETag::of_revision(Revision([1; 16]), 1);

    fn these(etag: ETag) -> Option<ETagList> {
        Some(ETagList::These(vec![etag.to_string()]))
    }

    #[test]
    fn a_read_is_refused_or_not_modified_as_rfc_9110_orders() {
        let other = ETag::of_revision(Revision([2; 16]), 1);
        let check = |c: ReadCondition| c.check(HERE, 5_900);
        assert!(
            check(ReadCondition {
                if_match: these(HERE),
                if_unmodified_since: Some(1),
                ..Default::default()
            })
            .is_ok()
        );
        assert!(matches!(
            check(ReadCondition { if_match: these(other), ..Default::default() }),
            Err(Refusal::PreconditionFailed(_))
        ));
        assert!(
            check(ReadCondition {
                if_none_match: these(other),
                if_modified_since: Some(9),
                ..Default::default()
            })
            .is_ok()
        );
        assert!(matches!(
            check(ReadCondition { if_none_match: Some(ETagList::Any), ..Default::default() }),
            Err(Refusal::NotModified { .. })
        ));
    }

    #[test]
    fn dates_compare_by_the_second() {
        let since = |s| ReadCondition { if_modified_since: Some(s), ..Default::default() }.check(HERE, 5_900);
        assert!(since(4).is_ok());
        assert!(matches!(since(5), Err(Refusal::NotModified { .. })));
        let unmodified =
            |s| ReadCondition { if_unmodified_since: Some(s), ..Default::default() }.check(HERE, 5_900);
        assert!(unmodified(5).is_ok());
        assert!(unmodified(4).is_err());
    }

    #[test]
    fn a_write_meets_what_is_there_or_is_refused() {
        let none = WriteCondition { if_none_match: Some(ETagList::Any), ..Default::default() };
        assert!(none.check(None).is_ok());
        assert!(matches!(none.check(Some(HERE)), Err(Refusal::PreconditionFailed(_))));
        let matching = WriteCondition { if_match: these(HERE), ..Default::default() };
        assert!(matching.check(Some(HERE)).is_ok());
        assert_eq!(matching.check(None), Err(Refusal::NoSuchKey));
        assert!(matches!(
            matching.check(Some(ETag::of_md5([1; 16], None))),
            Err(Refusal::PreconditionFailed(_))
        ));
    }

    #[test]
    fn a_deletion_meets_exactly_what_it_names() {
        let here = Some((HERE, 5_900, 7));
        let check = |last_modified, size, etags: Option<ETagList>| {
            let etags = WriteCondition { if_match: etags, if_none_match: None };
            DeleteCondition { etags, last_modified, size }.check(here)
        };
        assert!(check(Some(5), Some(7), these(HERE)).is_ok());
        for failed in [check(Some(4), None, None), check(None, Some(8), None), check(Some(6), Some(7), None)]
        {
            assert!(matches!(failed, Err(Refusal::PreconditionFailed(_))));
        }
        let nothing = DeleteCondition { last_modified: Some(1), size: Some(1), ..Default::default() };
        assert!(nothing.check(None).is_ok());
        let nothing = DeleteCondition::from(WriteCondition { if_match: these(HERE), if_none_match: None });
        assert_eq!(nothing.check(None), Err(Refusal::NoSuchKey));
    }

    #[test]
    fn a_range_is_kept_for_exactly_what_its_client_has() {
        let keeps = |if_range| ReadCondition { if_range, ..Default::default() }.keeps_range(HERE, 5_900);
        assert!(keeps(None) && keeps(Some(IfRange::ETag(HERE.to_string()))) && keeps(Some(IfRange::Date(5))));
        for other in [
            IfRange::ETag(format!("W/{HERE}")),
            IfRange::ETag("\"x\"".into()),
            IfRange::ETag("*".into()),
            IfRange::Date(6),
            IfRange::Date(-5),
        ] {
            assert!(!keeps(Some(other.clone())), "{other:?}");
        }
    }
}
