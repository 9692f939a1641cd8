//! Rules 4, 5 and 7: the aws-chunked framing, decoded without copying.
//!
//! Unsigned chunks are handed on as they arrive, whatever their size. Signed chunks are held until their signature is
//! verified, so their size is limited. The sum of all chunks must be the announced length.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};

use terrace_store::object::{Algorithm, Checksum};

use super::super::super::BodyRefusal;
use super::super::signature::{ChunkSigner, parse_hex32};
use super::trailer::Trailer;

/// Largest signed chunk in bytes, inclusive. SDKs send 64 KiB to 1 MiB.
const SIGNED_CHUNK_LIMIT: u64 = 16 << 20;
/// Longest line (chunk header or trailer) in bytes, its end included.
const LINE_LIMIT: usize = 512;

/// Decoder of one body: bytes in, verified pieces of the body out.
#[derive(Debug)]
pub(crate) struct Chunked {
    signer: Option<ChunkSigner>,
    /// Bytes of the body that are still to come in chunks.
    left: u64,
    step: Step,
    /// The beginning of a line that is not complete.
    line: Vec<u8>,
    /// The signed chunk that is being read.
    held: Held,
    trailer: Option<Trailer>,
}

#[derive(Debug, Default)]
struct Held {
    pieces: Vec<Bytes>,
    hash: Sha256,
    signature: [u8; 32],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Header,
    Data { left: u64 },
    DataEnd,
    Trailer,
    Done,
}

const FRAMING: BodyRefusal =
    BodyRefusal::InvalidRequest { what: "The aws-chunked framing of the body is malformed." };

impl Chunked {
    /// A decoder for a body of `length` decoded bytes. With a signer each chunk must be signed, and the trailer too if there
    /// may be one (`trailer`); without a signer nothing is. The inner option is the checksum announced for the trailer.
    pub(crate) fn new(length: u64, signer: Option<ChunkSigner>, trailer: Option<Option<Algorithm>>) -> Self {
        Self {
            signer,
            left: length,
            step: Step::Header,
            line: Vec::new(),
            held: Held::default(),
            trailer: trailer.map(Trailer::new),
        }
    }

    /// Takes bytes as they arrived and pushes the pieces of the body that may be handed on.
    pub(crate) fn take(&mut self, mut data: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), BodyRefusal> {
        while !data.is_empty() {
            match self.step {
                Step::Data { left } => {
                    let size = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
                    let piece = data.split_to(size);
                    self.chunk_data(piece, left - size as u64, out)?;
                }
                Step::Done => return Err(FRAMING),
                Step::Header | Step::DataEnd | Step::Trailer => {
                    let Some(line) = self.complete_line(&mut data)? else { break };
                    self.take_line(&line)?;
                }
            }
        }
        Ok(())
    }

    /// The framed body has ended. Answers the checksum that its trailer held.
    pub(crate) fn finish(&mut self) -> Result<Option<Checksum>, BodyRefusal> {
        if self.step != Step::Done {
            return Err(BodyRefusal::INCOMPLETE);
        }
        self.trailer.as_ref().map_or(Ok(None), |trailer| trailer.finish(self.signer.as_mut()))
    }

    fn chunk_data(&mut self, piece: Bytes, left: u64, out: &mut VecDeque<Bytes>) -> Result<(), BodyRefusal> {
        match &mut self.signer {
            None => out.push_back(piece),
            Some(signer) => {
                self.held.hash.update(&piece);
                self.held.pieces.push(piece);
                if left == 0 {
                    accept(&mut self.held, signer)?;
                    out.extend(self.held.pieces.drain(..));
                }
            }
        }
        self.step = if left == 0 { Step::DataEnd } else { Step::Data { left } };
        Ok(())
    }

    /// The next line with its end, if all of it is here; else keeps what there is.
    fn complete_line(&mut self, data: &mut Bytes) -> Result<Option<Bytes>, BodyRefusal> {
        let room = LINE_LIMIT - self.line.len();
        let Some(end) = data.iter().take(room).position(|&byte| byte == b'\n') else {
            if data.len() >= room {
                return Err(FRAMING);
            }
            self.line.extend_from_slice(data);
            data.advance(data.len());
            return Ok(None);
        };
        let rest = data.split_to(end + 1);
        if self.line.is_empty() {
            return Ok(Some(rest));
        }
        self.line.extend_from_slice(&rest);
        Ok(Some(Bytes::from(std::mem::take(&mut self.line))))
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), BodyRefusal> {
        if self.step == Step::Trailer {
            return self.trailer_line(line);
        }
        let line = line.strip_suffix(b"\r\n").ok_or(FRAMING)?;
        if self.step == Step::DataEnd {
            self.step = Step::Header;
            return if line.is_empty() { Ok(()) } else { Err(FRAMING) };
        }
        let size = self.chunk_header(line)?;
        if size > self.left || (size == 0 && self.left > 0) {
            return Err(BodyRefusal::INCOMPLETE);
        }
        self.left -= size;
        if size > 0 {
            self.step = Step::Data { left: size };
            return Ok(());
        }
        if let Some(signer) = &mut self.signer {
            accept(&mut self.held, signer)?;
        }
        self.step = Step::Trailer;
        Ok(())
    }

    fn trailer_line(&mut self, line: &[u8]) -> Result<(), BodyRefusal> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let ended = match &mut self.trailer {
            Some(trailer) => trailer.take(line, self.signer.is_some())?,
            None if line.is_empty() => true,
            None => return Err(FRAMING),
        };
        if ended {
            self.step = Step::Done;
        }
        Ok(())
    }

    /// Size of a chunk; remembers its signature.
    fn chunk_header(&mut self, line: &[u8]) -> Result<u64, BodyRefusal> {
        let line = std::str::from_utf8(line).map_err(|_not_text| FRAMING)?;
        let (size, signature) = match line.split_once(';') {
            None => (line, None),
            Some((size, extension)) => {
                let signature = extension.strip_prefix("chunk-signature=").ok_or(FRAMING)?;
                (size, Some(parse_hex32(signature.as_bytes()).ok_or(FRAMING)?))
            }
        };
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(FRAMING);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_overflow| FRAMING)?;
        match (&self.signer, signature) {
            (None, None) => Ok(size),
            (Some(_), Some(_)) if size > SIGNED_CHUNK_LIMIT => {
                Err(BodyRefusal::ChunkTooLarge { limit: SIGNED_CHUNK_LIMIT })
            }
            (Some(_), Some(signature)) => {
                self.held.signature = signature;
                Ok(size)
            }
            _ => Err(FRAMING),
        }
    }
}

fn accept(held: &mut Held, signer: &mut ChunkSigner) -> Result<(), BodyRefusal> {
    let hash = std::mem::take(&mut held.hash).finalize().into();
    if signer.accepts_chunk(&hash, &held.signature) { Ok(()) } else { Err(BodyRefusal::SignatureMismatch) }
}
