//! Digests of an object that is put together, from those of its parts.

use bytes::Bytes;
use md5::Context;
use terrace_runtime::Tasks;

use crate::digest::{combined, composite};
use crate::error::{Failure, FailureKind, Refusal};
use crate::object::{Algorithm, Checksum, ChecksumChoice, ChecksumType, ObjectChecksum};
use crate::rows::part::PartRow;
use crate::transact::Stop;

/// A checksum over the whole, as a client gives it with its list of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenChecksum {
    /// Its value.
    pub checksum: Checksum,
    /// The number of parts behind its dash, which only a composite one has.
    pub parts: Option<u32>,
}

/// What a client says of the checksum of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// `x-amz-checksum-<algorithm>`
    pub checksum: Option<GivenChecksum>,
    /// `x-amz-checksum-type`
    pub kind: Option<ChecksumType>,
}

/// More combinations than this are computed on a blocking thread: each is up to 130 µs (CRC-64/NVME, measured 2026-11).
const COMBINED_HERE: usize = 8;

/// The algorithm that all parts have a checksum of.
pub(super) fn common(parts: &[&PartRow]) -> Option<Algorithm> {
    let of = |part: &PartRow| part.checksum.as_ref().map(|checksum| checksum.algorithm);
    let first = of(parts.first()?)?;
    parts.iter().all(|part| of(part) == Some(first)).then_some(first)
}

/// The MD5 of the MD5s, if all parts have one.
pub(super) fn md5_of(parts: &[&PartRow]) -> Option<[u8; 16]> {
    let mut md5 = Context::new();
    for part in parts {
        md5.consume(part.md5?);
    }
    Some(*md5.finalize())
}

impl Given {
    /// Whether the client says that it is one over those of the parts.
    pub(super) fn is_composite(&self) -> bool {
        self.kind == Some(ChecksumType::Composite)
            || self.checksum.as_ref().is_some_and(|given| given.parts.is_some())
    }

    /// The checksum of the object: that which the upload named (`named`); else that which the client gives; else, where all parts have
    /// a CRC, that over all bytes, which costs nothing. `None` where a part has no checksum of that algorithm.
    ///
    /// # Errors
    /// `ChecksumAlgorithm`, `InvalidRequest`: the client gives one that cannot be; `ChecksumMismatch`: it is another.
    pub(super) async fn checksum_of(
        &self,
        tasks: &Tasks,
        named: Option<ChecksumChoice>,
        parts: &[&PartRow],
    ) -> Result<Option<ObjectChecksum>, Stop> {
        let Some(choice) = self.choose(named, common(parts))? else { return Ok(None) };
        let computed = match common(parts) {
            Some(algorithm) if algorithm == choice.algorithm => computed(tasks, choice, parts).await?,
            _ => None,
        };
        if let Some(given) = &self.checksum {
            let computed = computed.as_ref().ok_or(Refusal::InvalidRequest(
                "A part was uploaded without the checksum that the complete request asks for",
            ))?;
            let is_count = given.parts.is_none_or(|count| computed.composite_of == Some(count));
            if computed.checksum != given.checksum || !is_count {
                return Err(Refusal::ChecksumMismatch(choice.algorithm).into());
            }
        }
        Ok(computed)
    }

    fn choose(
        &self,
        named: Option<ChecksumChoice>,
        common: Option<Algorithm>,
    ) -> Result<Option<ChecksumChoice>, Refusal> {
        let given = self.checksum.as_ref();
        let kind = self.kind.or(given.and_then(|given| given.parts).map(|_| ChecksumType::Composite));
        if let Some(named) = named {
            if let Some(sent) = given.map(|given| given.checksum.algorithm)
                && sent != named.algorithm
            {
                return Err(Refusal::ChecksumAlgorithm { expected: named.algorithm, sent: Some(sent) });
            }
            return match kind {
                Some(kind) if kind != named.kind => Err(Refusal::InvalidRequest(
                    "The upload was created using another checksum type. The complete request must use the same checksum type.",
                )),
                _ => Ok(Some(named)),
            };
        }
        let Some(algorithm) = given.map(|given| given.checksum.algorithm).or(common) else { return Ok(None) };
        let full = ChecksumChoice { algorithm, kind: ChecksumType::FullObject };
        let choice = match kind {
            Some(kind) => ChecksumChoice { algorithm, kind },
            None if full.is_possible() => full,
            None if given.is_some() => ChecksumChoice::default_of(algorithm),
            None => return Ok(None),
        };
        match choice.is_possible() {
            true => Ok(Some(choice)),
            false => Err(Refusal::InvalidRequest(
                "The checksum type cannot be used with the checksum algorithm of the upload.",
            )),
        }
    }

    /// Holds a repeated request against what the first one made. A release before this one did not remember it.
    pub(super) fn check_again(&self, made: Option<&ObjectChecksum>) -> Result<(), Refusal> {
        match (&self.checksum, made) {
            (Some(given), Some(made)) if made.checksum != given.checksum => {
                Err(Refusal::ChecksumMismatch(given.checksum.algorithm))
            }
            _ => Ok(()),
        }
    }
}

async fn computed(
    tasks: &Tasks,
    choice: ChecksumChoice,
    parts: &[&PartRow],
) -> Result<Option<ObjectChecksum>, Stop> {
    let of = |part: &PartRow| Some((part.checksum.as_ref()?.value.clone(), part.size));
    let values: Vec<(Bytes, u64)> = parts.iter().filter_map(|part| of(part)).collect();
    let algorithm = choice.algorithm;
    if choice.kind == ChecksumType::Composite {
        let checksum = composite(algorithm, values.iter().map(|(value, _)| value));
        return Ok(Some(ObjectChecksum { checksum, composite_of: u32::try_from(values.len()).ok() }));
    }
    let combine = move || combined(algorithm, values.iter().map(|(value, size)| (value, *size)));
    let whole = if parts.len() <= COMBINED_HERE {
        combine()
    } else {
        tasks.blocking("combine checksums", combine).await.map_err(|lost| {
            Failure::new(FailureKind::Unavailable, "combine checksums", "store").because(lost)
        })?
    };
    Ok(whole.map(Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Revision;
    use crate::rows::part::PartAt;

    const CRC: Algorithm = Algorithm::Crc32;
    const COMPOSITE: ChecksumChoice = ChecksumChoice { algorithm: CRC, kind: ChecksumType::Composite };
    const FULL: ChecksumChoice = ChecksumChoice { algorithm: CRC, kind: ChecksumType::FullObject };

    fn given(algorithm: Algorithm, parts: Option<u32>, kind: Option<ChecksumType>) -> Given {
        let value = Bytes::from(vec![1; algorithm.width()]);
        let checksum = GivenChecksum { checksum: Checksum { algorithm, value }, parts };
        Given { checksum: Some(checksum), kind }
    }

    #[test]
    fn the_upload_decides_then_the_client_then_what_the_parts_have() {
        use ChecksumType::{Composite, FullObject};
        let sha = ChecksumChoice::default_of(Algorithm::Sha256);
        let nothing = Given::default();
        let only = |kind| Given { checksum: None, kind: Some(kind) };
        for (said, named, common, chosen) in [
            (nothing.clone(), Some(COMPOSITE), None, Some(COMPOSITE)),
            (nothing.clone(), None, Some(CRC), Some(FULL)),
            (nothing.clone(), None, Some(Algorithm::Sha256), None),
            (nothing, None, None, None),
            (only(Composite), None, Some(CRC), Some(COMPOSITE)),
            (given(CRC, None, None), Some(COMPOSITE), None, Some(COMPOSITE)),
            (given(CRC, Some(2), None), Some(COMPOSITE), None, Some(COMPOSITE)),
            (given(CRC, None, Some(FullObject)), Some(FULL), None, Some(FULL)),
            (given(CRC, None, None), None, None, Some(FULL)),
            (given(CRC, Some(2), None), None, None, Some(COMPOSITE)),
            (given(Algorithm::Sha256, None, None), None, None, Some(sha)),
        ] {
            assert_eq!(said.choose(named, common), Ok(chosen), "{said:?} {named:?} {common:?}");
        }
        for (said, named) in [
            (given(CRC, Some(2), None), Some(FULL)),
            (given(CRC, None, Some(FullObject)), Some(COMPOSITE)),
            (only(FullObject), Some(COMPOSITE)),
            (given(Algorithm::Sha256, None, Some(FullObject)), None),
            (given(Algorithm::Crc64Nvme, None, Some(Composite)), None),
        ] {
            assert!(
                matches!(said.choose(named, None), Err(Refusal::InvalidRequest(_))),
                "{said:?} {named:?}"
            );
        }
        let other = given(Algorithm::Sha1, None, None).choose(Some(FULL), None);
        assert_eq!(other, Err(Refusal::ChecksumAlgorithm { expected: CRC, sent: Some(Algorithm::Sha1) }));
    }

    #[tokio::test]
    async fn many_parts_combine_to_what_their_bytes_have() {
        let body: Vec<u8> = (0..9_000_u32).map(|n| (n * 31) as u8).collect();
        let sum = |bytes: &[u8]| {
            let mut hasher = crate::digest::Hasher::new(Algorithm::Crc64Nvme);
            hasher.update(bytes);
            hasher.finish()
        };
        let row = |part: &[u8]| PartRow {
            rev: Revision([1; 16]),
            size: part.len() as u64,
            modified_ms: 0,
            checksum: Some(sum(part)),
            md5: None,
            at: PartAt::Inline,
        };
        let rows: Vec<PartRow> = body.chunks(7).map(row).collect();
        let rows: Vec<&PartRow> = rows.iter().collect();
        let made = Given::default().checksum_of(&Tasks::new(), None, &rows).await;
        assert_eq!(made.ok().flatten(), Some(sum(&body).into()));
    }
}
