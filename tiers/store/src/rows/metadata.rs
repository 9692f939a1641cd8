//! Codec of headers and user metadata, shared by heads, extension rows and open uploads.

use crate::object::{Metadata, StandardHeader};
use crate::rows::codec::{self, Reader, Writer};

/// Content types that take one byte. Stored by position: append only.
const CONTENT_TYPES: [&str; 24] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/json",
    "application/xml",
    "text/xml",
    "text/plain",
    "text/html",
    "text/css",
    "text/csv",
    "text/javascript",
    "application/javascript",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/x-gzip",
    "application/x-tar",
    "application/zstd",
    "application/x-www-form-urlencoded",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/svg+xml",
    "image/webp",
    "video/mp4",
];
const NO_CONTENT_TYPE: u8 = 0;
const SPELLED_CONTENT_TYPE: u8 = 0xFF;

/// Bytes of its encoding.
pub(super) fn length(metadata: &Metadata) -> usize {
    codec::count(|writer| write(writer, metadata))
}

pub(super) fn write(writer: &mut Writer, metadata: &Metadata) {
    match &metadata.content_type {
        None => writer.byte(NO_CONTENT_TYPE),
        Some(text) => match CONTENT_TYPES.iter().position(|known| known == text) {
            Some(position) => writer.byte(position as u8 + 1),
            None => {
                writer.byte(SPELLED_CONTENT_TYPE);
                writer.text(text);
            }
        },
    }
    writer.varint(metadata.headers.len() as u64);
    for (header, value) in &metadata.headers {
        writer.byte(*header as u8);
        writer.text(value);
    }
    writer.varint(metadata.user.len() as u64);
    for (name, value) in &metadata.user {
        writer.text(name);
        writer.text(value);
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Metadata> {
    let content_type = match reader.byte()? {
        NO_CONTENT_TYPE => None,
        SPELLED_CONTENT_TYPE => Some(reader.text()?),
        code => Some((*CONTENT_TYPES.get(usize::from(code) - 1)?).to_owned()),
    };
    let headers = list(reader, |reader| {
        let header = StandardHeader::from_code(reader.byte()?)?;
        Some((header, reader.text()?))
    })?;
    let user = list(reader, |reader| Some((reader.text()?, reader.text()?)))?;
    Some(Metadata { content_type, headers, user })
}

/// A count, then so many items. Grows with what is really there: a damaged count reserves nothing.
fn list<T>(reader: &mut Reader<'_>, item: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let count = reader.varint()?;
    (0..count).map(|_| item(reader)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_content_type_takes_one_byte() {
        let of =
            |text: &str| length(&Metadata { content_type: Some(text.to_owned()), ..Metadata::default() });
        assert_eq!(of("application/octet-stream"), 3);
        assert_eq!(of("application/x-terrace"), 3 + 1 + "application/x-terrace".len());
    }

    #[test]
    fn content_types_keep_the_byte_they_were_stored_under() {
        assert_eq!(CONTENT_TYPES[0], "application/octet-stream");
        assert_eq!(CONTENT_TYPES[11], "application/pdf");
        assert_eq!(CONTENT_TYPES[23], "video/mp4");
        assert!(CONTENT_TYPES.len() < usize::from(SPELLED_CONTENT_TYPE));
    }
}
