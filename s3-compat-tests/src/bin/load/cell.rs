//! The cells of the table: what one operation is, and what must be there before.

use std::io::{Error, Result};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::ValueEnum;
use s3_compat_tests::body;
use s3_compat_tests::sign::{self, Request};

use crate::client::{Client, Expect};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Objects that the listings go through, and prefixes they are spread over.
const LISTED: u64 = 10_000;
const PREFIXES: u64 = 100;
/// Bytes of a part, and parts of an upload.
const PART: usize = 8 * MIB;
const PARTS: usize = 8;

/// One kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cell {
    /// PUT of 1 KiB, each under a new key.
    #[value(name = "put-1k")]
    Put1K,
    /// GET of 1 KiB.
    #[value(name = "get-1k")]
    Get1K,
    /// HEAD of an object of 1 KiB.
    Head,
    /// Listing all of 10,000 objects: 10 requests.
    List,
    /// One listing with a delimiter over 100 prefixes of 100 objects.
    ListDelimiter,
    /// DELETE of an object of 1 KiB.
    Delete,
    /// PUT of 256 KiB, each under a new key.
    #[value(name = "put-256k")]
    Put256K,
    /// PUT of 8 MiB, each under a new key.
    #[value(name = "put-8m")]
    Put8M,
    /// The same, its body not signed.
    #[value(name = "put-8m-unsigned")]
    Put8MUnsigned,
    /// The same in chunks, with a CRC-32 behind them, as SDKs send over TLS.
    #[value(name = "put-8m-trailer")]
    Put8MTrailer,
    /// GET of 8 MiB.
    #[value(name = "get-8m")]
    Get8M,
    /// Upload of 64 MiB in 8 parts.
    Multipart,
    /// 64 PUTs of 64 MiB at once.
    Resident,
}

/// Bodies and their hashes, made once.
pub(crate) struct Bodies {
    small: (Vec<u8>, String),
    middle: (Vec<u8>, String),
    large: (Vec<u8>, String),
    huge: (Vec<u8>, String),
    /// `large` in chunks of 1 MiB, with its CRC-32 behind them.
    chunked: Vec<u8>,
}

impl Bodies {
    /// All of them: 81 MiB.
    pub(crate) fn new() -> Self {
        let hashed = |size: usize| {
            let body = body::random(size, size as u64);
            let hash = sign::sha256(&body);
            (body, hash)
        };
        let large = hashed(PART);
        Self {
            small: hashed(KIB),
            middle: hashed(256 * KIB),
            chunked: chunked(&large.0),
            large,
            huge: hashed(PART * PARTS),
        }
    }
}

/// The bucket of the listings, and that of everything else.
pub(crate) const BUCKETS: [&str; 2] = ["listed", "load"];

fn path(folder: &str, index: u64) -> String {
    format!("/load/{folder}/{index:08}")
}

/// A body as `aws-chunked` (S3 API, "Signature Calculations: Including Trailing Headers"), not signed.
fn chunked(body: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() + 256);
    for chunk in body.chunks(MIB) {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32IsoHdlc);
    crc.update(body);
    let crc = u32::try_from(crc.finalize()).unwrap_or_default().to_be_bytes();
    text.extend_from_slice(
        format!("0\r\nx-amz-checksum-crc32:{}\r\n\r\n", BASE64_STANDARD.encode(crc)).as_bytes(),
    );
    text
}

async fn put_unsigned(client: &mut Client, path: &str, body: &[u8]) -> Result<()> {
    let mut request = Request::new("PUT", path);
    (request.payload, request.length) = ("UNSIGNED-PAYLOAD".to_owned(), Some(body.len() as u64));
    client.exchange(&request, body, Expect::Any).await.map(drop)
}

async fn put_trailer(client: &mut Client, path: &str, bodies: &Bodies) -> Result<()> {
    let mut request = Request::new("PUT", path)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", bodies.large.0.len().to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32");
    request.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned();
    request.length = Some(bodies.chunked.len() as u64);
    client.exchange(&request, &bodies.chunked, Expect::Any).await.map(drop)
}

async fn put(client: &mut Client, path: &str, (body, hash): &(Vec<u8>, String)) -> Result<()> {
    let mut request = Request::new("PUT", path);
    (request.payload, request.length) = (hash.clone(), Some(body.len() as u64));
    client.exchange(&request, body, Expect::Any).await.map(drop)
}

impl Cell {
    /// How many objects are put before, by [`Cell::prepare`].
    pub(crate) fn prepared(self) -> u64 {
        match self {
            Self::Get1K | Self::Head => 2_000,
            Self::List | Self::ListDelimiter => LISTED,
            Self::Delete => 8_000,
            Self::Get8M => 16,
            Self::Put1K | Self::Put256K | Self::Put8M | Self::Put8MUnsigned | Self::Put8MTrailer => 0,
            Self::Multipart | Self::Resident => 0,
        }
    }

    /// Puts one of the objects that must be there before.
    pub(crate) async fn prepare(self, client: &mut Client, bodies: &Bodies, index: u64) -> Result<()> {
        match self {
            Self::List | Self::ListDelimiter => {
                let key = format!("/listed/p{:02}/{:06}", index % PREFIXES, index / PREFIXES);
                put(client, &key, &bodies.small).await
            }
            Self::Get8M => put(client, &path("get-8m", index), &bodies.large).await,
            Self::Delete => put(client, &path("delete", index), &bodies.small).await,
            _ => put(client, &path("get-1k", index), &bodies.small).await,
        }
    }

    /// How many operations there are at most.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Delete => self.prepared(),
            Self::Resident => 64,
            _ => u64::MAX,
        }
    }

    /// How many connections it needs, if not as many as the settings say.
    pub(crate) fn connections(self) -> Option<usize> {
        (self == Self::Resident).then_some(64)
    }

    /// Bytes that one operation stores; 0 if it stores none.
    pub(crate) fn stores(self) -> u64 {
        let bytes = match self {
            Self::Put1K => KIB,
            Self::Put256K => 256 * KIB,
            Self::Put8M | Self::Put8MUnsigned | Self::Put8MTrailer => PART,
            Self::Multipart | Self::Resident => PART * PARTS,
            _ => 0,
        };
        bytes as u64
    }

    /// One operation. `index` is different for each.
    pub(crate) async fn operate(self, client: &mut Client, bodies: &Bodies, index: u64) -> Result<()> {
        // Walks over the prepared objects in an order that is no order of theirs.
        let any = |folder: &str| path(folder, index.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.prepared());
        match self {
            Self::Put1K => put(client, &path("put-1k", index), &bodies.small).await,
            Self::Put256K => put(client, &path("put-256k", index), &bodies.middle).await,
            Self::Put8M => put(client, &path("put-8m", index), &bodies.large).await,
            Self::Put8MUnsigned => put_unsigned(client, &path("put-8m-u", index), &bodies.large.0).await,
            Self::Put8MTrailer => put_trailer(client, &path("put-8m-t", index), bodies).await,
            Self::Resident => put(client, &path("resident", index), &bodies.huge).await,
            Self::Get1K => get(client, &any("get-1k"), &bodies.small.0).await,
            Self::Get8M => get(client, &any("get-8m"), &bodies.large.0).await,
            Self::Head => {
                client.exchange(&Request::new("HEAD", &any("get-1k")), b"", Expect::Head).await.map(drop)
            }
            Self::Delete => client
                .exchange(&Request::new("DELETE", &path("delete", index)), b"", Expect::Any)
                .await
                .map(drop),
            Self::List => list(client).await,
            Self::ListDelimiter => list_delimiter(client).await,
            Self::Multipart => multipart(client, bodies, &path("multipart", index)).await,
        }
    }
}

async fn get(client: &mut Client, path: &str, body: &[u8]) -> Result<()> {
    client.exchange(&Request::new("GET", path), b"", Expect::Body(body)).await.map(drop)
}

/// The text of the first element of this name.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once("</")?.0)
}

async fn page(client: &mut Client, query: &str, text: &mut Vec<u8>) -> Result<String> {
    client.exchange(&Request::new("GET", "/listed").query(query), b"", Expect::Text(text)).await?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

async fn list(client: &mut Client) -> Result<()> {
    let (mut seen, mut text) = (0, Vec::new());
    let mut query = "list-type=2".to_owned();
    loop {
        let page = page(client, &query, &mut text).await?;
        seen += page.matches("<Key>").count() as u64;
        match element(&page, "NextContinuationToken") {
            Some(token) => {
                query = format!("continuation-token={}&list-type=2", sign::escape_query(&unescape(token)))
            }
            None if seen == LISTED => return Ok(()),
            None => return Err(Error::other(format!("a listing of {seen}, not {LISTED}"))),
        }
    }
}

/// The characters that a token may hold escaped in XML.
fn unescape(text: &str) -> String {
    text.replace("&#43;", "+").replace("&#39;", "'").replace("&#34;", "\"").replace("&amp;", "&")
}

async fn list_delimiter(client: &mut Client) -> Result<()> {
    let page = page(client, "delimiter=%2F&list-type=2", &mut Vec::new()).await?;
    let seen = page.matches("<CommonPrefixes>").count() as u64;
    if seen == PREFIXES { Ok(()) } else { Err(Error::other(format!("{seen} prefixes, not {PREFIXES}"))) }
}

async fn multipart(client: &mut Client, bodies: &Bodies, path: &str) -> Result<()> {
    let mut text = Vec::new();
    client
        .exchange(&Request::new("POST", path).query("uploads=").body(b""), b"", Expect::Text(&mut text))
        .await?;
    let said = String::from_utf8_lossy(&text).into_owned();
    let id = element(&said, "UploadId").ok_or_else(|| Error::other("an upload without an id"))?;
    let id = sign::escape_query(id);
    let mut list = String::from("<CompleteMultipartUpload>");
    let (body, hash) = &bodies.large;
    for number in 1..=PARTS {
        let mut request = Request::new("PUT", path).query(&format!("partNumber={number}&uploadId={id}"));
        (request.payload, request.length) = (hash.clone(), Some(body.len() as u64));
        let answer = client.exchange(&request, body, Expect::Any).await?;
        let etag = answer.header("etag").ok_or_else(|| Error::other("a part without an ETag"))?;
        list += &format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>",
            etag.replace('"', "&quot;")
        );
    }
    list += "</CompleteMultipartUpload>";
    let complete = Request::new("POST", path).query(&format!("uploadId={id}")).body(list.as_bytes());
    client.exchange(&complete, list.as_bytes(), Expect::Text(&mut text)).await?;
    let done = String::from_utf8_lossy(&text).contains("<CompleteMultipartUploadResult");
    if done { Ok(()) } else { Err(Error::other("an upload that was not completed")) }
}
