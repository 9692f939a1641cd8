//! The rows of the high-volume tier, read without the store's code: from the data model alone.

/// A row of which only this much is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// `B`: a bucket.
    Bucket { bid: u64 },
    /// `O`: an object.
    Object { bid: u64, key: Vec<u8>, head: Head },
    /// `D`: a chunk of an inline body.
    Inline { rev: [u8; 16], chunk: u8, size: u64 },
    /// `E`: metadata beside its record.
    Extension { bid: u64, key: Vec<u8>, vseq: u64 },
    /// `Q`: a page of a manifest.
    Manifest { rev: [u8; 16], begin: u64, parts: Vec<Part> },
    /// `P`: a part of an upload.
    Part { upload: [u8; 16], part: Part },
    /// `U`: an open upload.
    Upload { bid: u64, key: Vec<u8>, upload: [u8; 16] },
    /// `W`: how an upload ended.
    Finished { upload: [u8; 16] },
    /// `T`: a ticket.
    Ticket { node: [u8; 8], rev: [u8; 16], open: bool, has_blob: bool },
    /// `G`: waste.
    Garbage(Waste),
    /// `C`: a counter.
    Counter { bid: u64, field: u8, value: i64 },
    /// `S`: a single row.
    Singleton,
}

/// Value of an object's row, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) body_rev: [u8; 16],
    pub(super) vseq: u64,
    pub(super) size: u64,
    pub(super) parts: u32,
    pub(super) place: Place,
    pub(super) spilled: bool,
}

/// Where bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Empty,
    Inline,
    Blob,
    Manifest,
}

/// A part, of an upload or in a manifest. In a manifest `size` is where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) rev: [u8; 16],
    pub(super) size: u64,
    pub(super) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waste {
    Blob([u8; 16]),
    Inline([u8; 16]),
    Manifest([u8; 16]),
    Upload([u8; 16]),
    BucketUploads(u64),
    Finished([u8; 16]),
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*front)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (front, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(front.to_vec())
    }

    /// A key in front of something else: NUL is `00 FF`, its end `00 01`.
    fn escaped(&mut self) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        loop {
            match (self.byte()?, self.0.first()) {
                (0, Some(0xFF)) => {
                    self.byte()?;
                    key.push(0);
                }
                (0, Some(1)) => {
                    self.byte()?;
                    return Some(key);
                }
                (0, _) => return None,
                (byte, _) => key.push(byte),
            }
        }
    }

    fn bid(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// Reads a row; `None`: nothing that the data model knows.
pub(super) fn row(key: &[u8], value: &[u8]) -> Option<Row> {
    let (mut key, mut value) = (Reader(key), Reader(value));
    let family = key.byte()?;
    if !matches!(family, b'C' | b'D' | b'S') && value.byte()? != 1 {
        return None;
    }
    Some(match family {
        b'B' => Row::Bucket { bid: value.number()? },
        b'O' => Row::Object { bid: key.bid()?, key: key.0.to_vec(), head: head(&mut value)? },
        b'D' => {
            let [last, rest @ ..] = key.array::<18>()?;
            let (rev, chunk) = (<[u8; 16]>::try_from(&rest[..16]).ok()?, rest[16]);
            (last == rev[15]).then_some(Row::Inline { rev, chunk, size: value.0.len() as u64 })?
        }
        b'E' => {
            let (bid, name) = (key.bid()?, key.escaped()?);
            Row::Extension { bid, key: name, vseq: !key.bid()? }
        }
        b'Q' => {
            let _spread = key.byte()?;
            manifest(key.array()?, &mut value)?
        }
        b'P' => {
            let _spread = key.byte()?;
            let upload = key.array()?;
            let rev = value.array()?;
            let place = place(value.byte()? & 0x7F)?;
            Row::Part { upload, part: Part { rev, size: value.number()?, place } }
        }
        b'U' => Row::Upload { bid: key.bid()?, key: key.escaped()?, upload: key.array()? },
        b'W' => Row::Finished { upload: key.array()? },
        b'T' => {
            let (node, rev) = (key.array()?, key.array()?);
            let (state, kind) = (value.byte()?, value.byte()?);
            Row::Ticket { node, rev, open: state == 0, has_blob: kind != 2 }
        }
        b'G' => Row::Garbage(waste(&mut value)?),
        b'C' => {
            let (bid, field) = (key.bid()?, key.byte()?);
            Row::Counter { bid, field, value: i64::from_le_bytes(value.array()?) }
        }
        b'S' => Row::Singleton,
        _ => return None,
    })
}

fn place(code: u8) -> Option<Place> {
    [Place::Empty, Place::Inline, Place::Blob, Place::Manifest].get(usize::from(code)).copied()
}

fn head(value: &mut Reader<'_>) -> Option<Head> {
    let flags = u16::from_be_bytes(value.array()?);
    let rev = value.array()?;
    let vseq = value.number()?;
    let body_rev = if flags & 1 << 4 == 0 { rev } else { value.array()? };
    let size = value.number()?;
    let _modified = value.number()?;
    let parts = u32::try_from(value.number()?).ok()?;
    let place = place(u8::try_from(flags & 0b111).ok()?)?;
    Some(Head { body_rev, vseq, size, parts, place, spilled: flags & 1 << 8 != 0 })
}

fn manifest(rev: [u8; 16], value: &mut Reader<'_>) -> Option<Row> {
    let algorithm = value.byte()?;
    let begin = value.number()?;
    let count = value.number()?;
    let mut parts = Vec::new();
    for _ in 0..count {
        let code = value.byte()?;
        // Nobody asks for checksums here.
        if algorithm != 0 || code & 0x80 != 0 {
            return None;
        }
        parts.push(Part { place: place(code)?, rev: value.array()?, size: value.number()? });
    }
    Some(Row::Manifest { rev, begin, parts })
}

fn waste(value: &mut Reader<'_>) -> Option<Waste> {
    let code = value.byte()?;
    if matches!(code, 0 | 2 | 3) {
        let _bid = value.number()?;
        let _key = value.bytes()?;
    }
    Some(match code {
        0 => Waste::Blob(value.array()?),
        1 => Waste::Inline(value.array()?),
        2 => Waste::Manifest(value.array()?),
        3 => Waste::Upload(value.array()?),
        4 => Waste::BucketUploads(value.number()?),
        5 => Waste::Finished(value.array()?),
        _ => return None,
    })
}
