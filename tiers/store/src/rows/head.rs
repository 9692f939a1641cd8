//! Value of an `O` row: what is known of an object (data model, "Head codec"). What a listing shows stands in front.

use bytes::Bytes;

use crate::name::{BucketId, ObjectKey, Revision};
use crate::object::{ETag, Metadata, ObjectChecksum};
use crate::rows::codec::{self, Reader, Writer};
use crate::rows::{Damaged, Family, inline, metadata};

const VERSION: u8 = 1;

const BODY: u16 = 0b111;
const EMPTY: u16 = 0;
const INLINE: u16 = 1;
const BLOB: u16 = 2;
const MANIFEST: u16 = 3;
const ORIGIN: u16 = 1 << 3;
const OTHER_BODY: u16 = 1 << 4;
const STORAGE_CLASS: u16 = 1 << 5;
const CHECKSUM: u16 = 1 << 6;
const COMPOSITE: u16 = 1 << 7;
const SPILLED: u16 = 1 << 8;
const MD5: u16 = 1 << 9;
const KNOWN: u16 = (1 << 10) - 1;

/// Where the bytes of a body are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyAt {
    /// There are none.
    Empty,
    /// In `D` rows of the body's revision.
    Inline,
    /// In one blob, named by bucket, key and the body's revision.
    Blob {
        /// Bucket and key in the blob's name, where they are not those of this row.
        origin: Option<(BucketId, ObjectKey)>,
    },
    /// In parts that the `Q` rows of the body's revision name.
    Manifest,
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Revision of this state of the object.
    pub(crate) rev: Revision,
    /// Number of this version among the versions of its key.
    pub(crate) vseq: u64,
    /// Where the body is.
    pub(crate) body: BodyAt,
    /// Revision of the body; another than `rev` where only the metadata was replaced.
    pub(crate) body_rev: Revision,
    /// Bytes of the body.
    pub(crate) size: u64,
    /// Last-Modified, milliseconds since the epoch.
    pub(crate) modified_ms: u64,
    /// Parts it was made of, 1 for all but multipart uploads.
    pub(crate) parts: u32,
    /// Storage class, if it is not STANDARD.
    pub(crate) storage_class: Option<String>,
    /// Checksum that was verified when the body came; a composite one is of [`Head::parts`] parts.
    pub(crate) checksum: Option<ObjectChecksum>,
    /// What the ETag is made of where ETags are MD5s: the MD5 of the body, or of the MD5s of its parts.
    pub(crate) md5: Option<[u8; 16]>,
    /// What the client says of it; `None`: in the `E` row.
    pub(crate) metadata: Option<Metadata>,
}

/// What a listing shows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedHead {
    /// Its ETag.
    pub(crate) etag: ETag,
    /// Bytes of its body.
    pub(crate) size: u64,
    /// Last-Modified, milliseconds since the epoch.
    pub(crate) modified_ms: u64,
    /// Storage class, if it is not STANDARD.
    pub(crate) storage_class: Option<String>,
    /// Its checksum.
    pub(crate) checksum: Option<ObjectChecksum>,
}

/// Most bytes of encoded metadata within a head: more would make listings, which do not show it, dear.
const METADATA_MAX: usize = 512;

/// Whether `said` is too large for a head and goes to an `E` row.
pub(crate) fn spills(said: &Metadata) -> bool {
    metadata::length(said) > METADATA_MAX
}

impl Head {
    /// Its ETag.
    pub(crate) fn etag(&self) -> ETag {
        etag((self.body_rev, self.parts), self.md5, self.body == BodyAt::Manifest)
    }

    fn flags(&self) -> u16 {
        let body = match self.body {
            BodyAt::Empty => EMPTY,
            BodyAt::Inline => INLINE,
            BodyAt::Blob { origin: None } => BLOB,
            BodyAt::Blob { origin: Some(_) } => BLOB | ORIGIN,
            BodyAt::Manifest => MANIFEST,
        };
        let when = |holds: bool, flag: u16| if holds { flag } else { 0 };
        body | when(self.body_rev != self.rev, OTHER_BODY)
            | when(self.storage_class.is_some(), STORAGE_CLASS)
            | when(self.checksum.is_some(), CHECKSUM)
            | when(self.checksum.as_ref().is_some_and(|sum| sum.composite_of.is_some()), COMPOSITE)
            | when(self.metadata.is_none(), SPILLED)
            | when(self.md5.is_some(), MD5)
    }

    /// Its value, in one buffer of its exact size.
    pub(crate) fn encode(&self) -> Bytes {
        codec::exact(|writer| self.write(writer))
    }

    fn write(&self, writer: &mut Writer) {
        let flags = self.flags();
        writer.byte(VERSION);
        writer.raw(&flags.to_be_bytes());
        writer.revision(self.rev);
        writer.varint(self.vseq);
        if flags & OTHER_BODY != 0 {
            writer.revision(self.body_rev);
        }
        writer.varint(self.size);
        writer.varint(self.modified_ms);
        writer.varint(u64::from(self.parts));
        self.storage_class.iter().for_each(|class| writer.text(class));
        self.checksum.iter().for_each(|sum| writer.checksum(&sum.checksum));
        self.md5.iter().for_each(|md5| writer.raw(md5));
        if let BodyAt::Blob { origin: Some((bucket, key)) } = &self.body {
            writer.bucket(*bucket);
            writer.bytes(key.as_bytes());
        }
        self.metadata.iter().for_each(|said| metadata::write(writer, said));
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode(value: &Bytes) -> Result<Self, Damaged> {
        codec::decode(Family::Object, VERSION, value, |reader| {
            let front = Front::read(reader)?;
            let body = match front.flags & BODY {
                EMPTY if front.listed.size == 0 => BodyAt::Empty,
                INLINE if (1..=inline::MAX).contains(&front.listed.size) => BodyAt::Inline,
                BLOB if front.flags & ORIGIN != 0 => {
                    BodyAt::Blob { origin: Some((reader.bucket()?, reader.object_key()?)) }
                }
                BLOB => BodyAt::Blob { origin: None },
                MANIFEST => BodyAt::Manifest,
                _ => return None,
            };
            let metadata = if front.flags & SPILLED == 0 { Some(metadata::read(reader)?) } else { None };
            let ListedHead { etag: _, size, modified_ms, storage_class, checksum } = front.listed;
            Some(Self {
                rev: front.rev,
                vseq: front.vseq,
                body,
                body_rev: front.body_rev,
                size,
                modified_ms,
                parts: front.parts,
                storage_class,
                checksum,
                md5: front.md5,
                metadata,
            })
        })
    }

    /// Reads what a listing shows and leaves the rest unread, damaged or not.
    ///
    /// # Errors
    /// [`Damaged`].
    pub(crate) fn decode_listed(value: &Bytes) -> Result<ListedHead, Damaged> {
        codec::decode_front(Family::Object, VERSION, value, |reader| {
            Front::read(reader).map(|front| front.listed)
        })
    }
}

/// The fields in front of those that only the object itself shows.
struct Front {
    flags: u16,
    rev: Revision,
    vseq: u64,
    body_rev: Revision,
    parts: u32,
    md5: Option<[u8; 16]>,
    listed: ListedHead,
}

/// The ETag of a body: its revision and number of parts, or its MD5.
fn etag((body, parts): (Revision, u32), md5: Option<[u8; 16]>, is_multipart: bool) -> ETag {
    match md5 {
        Some(md5) => ETag::of_md5(md5, is_multipart.then_some(parts)),
        None => ETag::of_revision(body, parts),
    }
}

impl Front {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = u16::from_be_bytes(reader.array()?);
        let has = |flag: u16| flags & flag != 0;
        let is_manifest = flags & BODY == MANIFEST;
        if flags & !KNOWN != 0 || (has(ORIGIN) && flags & BODY != BLOB) || (has(COMPOSITE) && !has(CHECKSUM))
        {
            return None;
        }
        let rev = reader.revision()?;
        let vseq = reader.varint()?;
        let body_rev = if has(OTHER_BODY) { reader.revision()? } else { rev };
        let size = reader.varint()?;
        let modified_ms = reader.varint()?;
        let parts = reader.small().filter(|parts| *parts > 0)?;
        let storage_class = if has(STORAGE_CLASS) { Some(reader.text()?) } else { None };
        let composite_of = has(COMPOSITE).then_some(parts);
        let checksum = match has(CHECKSUM) {
            true => Some(ObjectChecksum { checksum: reader.checksum()?, composite_of }),
            false => None,
        };
        let md5 = if has(MD5) { Some(reader.array()?) } else { None };
        let etag = etag((body_rev, parts), md5, is_manifest);
        let listed = ListedHead { etag, size, modified_ms, storage_class, checksum };
        Some(Self { flags, rev, vseq, body_rev, parts, md5, listed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Algorithm, Checksum};
    use crate::rows::sample;
    use proptest::option;
    use proptest::prelude::*;

    fn body() -> impl Strategy<Value = (BodyAt, u64)> {
        let origin = option::of((sample::bucket(), sample::object_key()));
        prop_oneof![
            Just((BodyAt::Empty, 0)),
            (1..=inline::MAX).prop_map(|size| (BodyAt::Inline, size)),
            (origin, sample::number()).prop_map(|(origin, size)| (BodyAt::Blob { origin }, size)),
            sample::number().prop_map(|size| (BodyAt::Manifest, size)),
        ]
    }

    fn head() -> impl Strategy<Value = Head> {
        let revisions = (sample::revision(), option::of(sample::revision()));
        let numbers = (sample::number(), sample::number(), 1..=u32::MAX);
        let class = option::of("[A-Z_]{1,20}");
        let digests = (option::of(sample::checksum()), any::<bool>(), option::of(any::<[u8; 16]>()));
        (revisions, numbers, body(), class, digests, option::of(sample::metadata())).prop_map(
            |(revisions, numbers, body, storage_class, digests, metadata)| Head {
                rev: revisions.0,
                body_rev: revisions.1.unwrap_or(revisions.0),
                vseq: numbers.0,
                modified_ms: numbers.1,
                parts: numbers.2,
                checksum: digests.0.map(|checksum| ObjectChecksum {
                    checksum,
                    composite_of: digests.1.then_some(numbers.2),
                }),
                md5: digests.2,
                body: body.0,
                size: body.1,
                storage_class,
                metadata,
            },
        )
    }

    fn typical() -> Head {
        let rev = Revision([0xA5; 16]);
        Head {
            rev,
            vseq: 3,
            body: BodyAt::Inline,
            body_rev: rev,
            size: 1_000_000,
            modified_ms: 1_790_000_000_000,
            parts: 1,
            storage_class: None,
            checksum: Some(
                Checksum { algorithm: Algorithm::Crc64Nvme, value: Bytes::from_static(&[7; 8]) }.into(),
            ),
            md5: None,
            metadata: Some(Metadata {
                content_type: Some("application/octet-stream".to_owned()),
                headers: vec![],
                user: vec![("mtime".to_owned(), "1790000000.123456789".to_owned())],
            }),
        }
    }

    #[test]
    fn a_typical_head_stays_within_its_budget_of_110_bytes() {
        assert!(typical().encode().len() <= 110, "{}", typical().encode().len());
        let md5 = Head { md5: Some([7; 16]), ..typical() };
        assert_eq!(md5.encode().len(), typical().encode().len() + 16);
        let plain = Head { metadata: Some(Metadata::default()), checksum: None, ..typical() };
        assert!(plain.encode().len() <= 50, "{}", plain.encode().len());
    }

    #[test]
    fn metadata_above_512_bytes_spills() {
        let with = |length: usize| Metadata {
            user: vec![("k".to_owned(), "v".repeat(length))],
            ..Metadata::default()
        };
        let frame = metadata::length(&with(200)) - 200;
        assert!(!spills(&with(METADATA_MAX - frame)));
        assert!(spills(&with(METADATA_MAX - frame + 1)));
    }

    #[test]
    fn a_body_that_cannot_be_is_refused() {
        for (body, size) in [(BodyAt::Empty, 1), (BodyAt::Inline, 0), (BodyAt::Inline, inline::MAX + 1)] {
            assert!(Head::decode(&Head { body, size, ..typical() }.encode()).is_err());
        }
        assert!(Head::decode(&Head { parts: 0, ..typical() }.encode()).is_err());
    }

    #[test]
    fn an_md5_is_the_etag_with_the_number_of_parts_only_for_a_multipart_body() {
        let etag = |body, md5| Head { body, parts: 2, md5, ..typical() }.etag();
        let blob = || BodyAt::Blob { origin: None };
        assert_eq!(etag(blob(), Some([7; 16])), ETag::of_md5([7; 16], None));
        assert_eq!(etag(BodyAt::Manifest, Some([7; 16])), ETag::of_md5([7; 16], Some(2)));
        assert_eq!(etag(blob(), None), ETag::of_revision(typical().rev, 2));
    }

    proptest! {
        #[test]
        fn a_head_reads_back_as_it_was_written(head in head()) {
            let encoded = head.encode();
            prop_assert_eq!(Head::decode(&encoded), Ok(head.clone()));
            let listed = Head::decode_listed(&encoded).unwrap();
            prop_assert_eq!(listed, ListedHead {
                etag: head.etag(),
                size: head.size,
                modified_ms: head.modified_ms,
                storage_class: head.storage_class,
                checksum: head.checksum,
            });
        }

        #[test]
        fn a_damaged_head_is_refused(head in head()) {
            sample::assert_guarded(&head.encode(), Head::decode);
        }

        #[test]
        fn listing_any_bytes_never_panics(bytes: Vec<u8>) {
            let bytes = Bytes::from([&[VERSION], &bytes[..]].concat());
            prop_assert_eq!(Head::decode(&bytes).is_ok() && Head::decode_listed(&bytes).is_err(), false);
        }
    }
}
