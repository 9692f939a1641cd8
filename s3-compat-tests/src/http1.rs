//! HTTP/1.1 by hand over one connection: it sends whatever bytes it is given, and reads answers as they come.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Largest head of an answer that is read.
const HEAD_LIMIT: usize = 64 * 1024;
/// Bytes asked for by one read of a body.
const READ: usize = 256 * 1024;

/// Status and headers of an answer; its body went to the sink.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One connection. Bytes read beyond an answer are kept for the next.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    taken: usize,
}

enum Framing {
    Length(u64),
    Chunked,
    Nothing,
}

impl Connection {
    /// Connects to `127.0.0.1:PORT`.
    ///
    /// # Errors
    /// Those of the network.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new(), taken: 0 })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Those of the network.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a head and a body, in one packet if the body is small.
    ///
    /// # Errors
    /// Those of the network.
    pub async fn send_request(&mut self, head: &str, body: &[u8]) -> Result<()> {
        if body.len() <= 16 * 1024 {
            return self.send(&[head.as_bytes(), body].concat()).await;
        }
        self.send(head.as_bytes()).await?;
        self.send(body).await
    }

    /// Says that no more will be sent, as a client does that dies in the middle of a body.
    ///
    /// # Errors
    /// Those of the network.
    pub async fn end_sending(&mut self) -> Result<()> {
        self.stream.shutdown().await
    }

    /// Reads one answer to its end; interim answers (100) are passed over. `head_only` is for answers to HEAD, which have no body.
    ///
    /// # Errors
    /// Those of the network, `UnexpectedEof` if the connection ends first, `InvalidData` if it is not HTTP.
    pub async fn receive(&mut self, head_only: bool, mut sink: impl FnMut(&[u8])) -> Result<Answer> {
        loop {
            let answer = self.receive_head().await?;
            if answer.status < 200 {
                continue;
            }
            match framing(&answer, head_only)? {
                Framing::Nothing => {}
                Framing::Length(length) => self.pass(length, &mut sink).await?,
                Framing::Chunked => self.pass_chunks(&mut sink).await?,
            }
            return Ok(answer);
        }
    }

    /// Reads the head of whatever comes next, an interim answer too, and gives its status.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    pub async fn receive_interim(&mut self) -> Result<u16> {
        Ok(self.receive_head().await?.status)
    }

    /// Reads one answer whose body is kept, as text.
    ///
    /// # Errors
    /// As [`Connection::receive`].
    pub async fn receive_text(&mut self) -> Result<(Answer, String)> {
        let mut body = Vec::new();
        let answer = self.receive(false, |bytes| body.extend_from_slice(bytes)).await?;
        Ok((answer, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn receive_head(&mut self) -> Result<Answer> {
        let mut searched = 0;
        loop {
            let unread = &self.read[self.taken..];
            let from = searched.min(unread.len());
            if let Some(at) = unread[from..].windows(4).position(|window| window == b"\r\n\r\n") {
                let answer = parse_head(&unread[..from + at])?;
                self.taken += from + at + 4;
                return Ok(answer);
            }
            if unread.len() > HEAD_LIMIT {
                return Err(invalid("a head without an end"));
            }
            searched = unread.len().saturating_sub(3);
            self.fill().await?;
        }
    }

    /// Hands `length` bytes of the body to the sink.
    async fn pass(&mut self, mut length: u64, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        while length > 0 {
            if self.taken == self.read.len() {
                self.fill().await?;
            }
            let unread = &self.read[self.taken..];
            let count = usize::try_from(length).unwrap_or(usize::MAX).min(unread.len());
            sink(&unread[..count]);
            self.taken += count;
            length -= count as u64;
        }
        Ok(())
    }

    async fn pass_chunks(&mut self, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        loop {
            let line = self.line().await?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(|_| invalid("a chunk without a size"))?;
            self.pass(size, sink).await?;
            if size > 0 {
                self.line().await?;
                continue;
            }
            while !self.line().await?.is_empty() {}
            return Ok(());
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            let unread = &self.read[self.taken..];
            if let Some(at) = unread.windows(2).position(|window| window == b"\r\n") {
                let line = String::from_utf8_lossy(&unread[..at]).into_owned();
                self.taken += at + 2;
                return Ok(line);
            }
            if unread.len() > HEAD_LIMIT {
                return Err(invalid("a line without an end"));
            }
            self.fill().await?;
        }
    }

    /// Reads more bytes behind those that are there.
    async fn fill(&mut self) -> Result<()> {
        if self.taken > 0 {
            self.read.drain(..self.taken);
            self.taken = 0;
        }
        self.read.reserve(READ);
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the connection ended"));
        }
        Ok(())
    }
}

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

fn parse_head(bytes: &[u8]) -> Result<Answer> {
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("a head that is not text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| invalid("no status line"))?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Ok(Answer { status, headers })
}

fn framing(answer: &Answer, head_only: bool) -> Result<Framing> {
    if head_only || matches!(answer.status, 204 | 304) {
        return Ok(Framing::Nothing);
    }
    if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(Framing::Chunked);
    }
    let length = answer.header("content-length").ok_or_else(|| invalid("an answer without a length"))?;
    length.parse().map(Framing::Length).map_err(|_| invalid("a length that is no number"))
}
