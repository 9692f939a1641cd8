//! What is answered to clients whose bytes never became a request: too many connections, no HTTP, a head that is too large or too slow.
//! hyper would answer some of them itself, with a bare status; [`Watched`](super::pulse::Watched) keeps that back, and what is here is
//! said in its place.

use std::io;
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::connection::Shared;
use super::document::{SLOW_DOWN, Said, error_document};

/// What a client that was turned away may still send before its connection is closed: bytes, and time.
const LEFT_BYTES: u64 = 1 << 20;
const LEFT_TIME: Duration = Duration::from_secs(1);

/// A head that did not come in time.
pub(super) const TOO_SLOW: Said = Said {
    status: StatusCode::BAD_REQUEST,
    code: "RequestTimeout",
    message: "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
};

/// What S3 says where hyper says only `status`.
pub(super) fn no_request(status: StatusCode) -> Said {
    let (code, message) = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
            "RequestHeaderSectionTooLarge",
            "Your request header section exceeds the maximum allowed request header section size.",
        ),
        StatusCode::URI_TOO_LONG => ("InvalidURI", "The request URI is too long."),
        _ => ("BadRequest", "An error occurred when parsing the HTTP request."),
    };
    Said { status, code, message }
}

/// Says `said` as the last answer of a connection, then reads a little of what still comes, so that the answer is not lost with a reset.
pub(super) async fn tell<S, H>(mut stream: S, said: &Said, shared: &Shared<H>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let id = shared.ids.mint();
    let document = error_document(said, id, &shared.host_id);
    let (status, host_id) = (said.status, shared.host_id.to_str().unwrap_or_default());
    let retry = if status == StatusCode::SERVICE_UNAVAILABLE { "retry-after: 1\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nx-amz-request-id: {id}\r\nx-amz-id-2: {host_id}\r\nserver: Terrace\r\n\
         content-type: application/xml\r\n{retry}content-length: {}\r\nconnection: close\r\n\r\n",
        document.len()
    );
    shared.metrics.answered(status);
    tracing::debug!(id = id.as_str(), code = said.code, "a client was turned away");
    let talk = async {
        stream.write_all(&[head.as_bytes(), &document].concat()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LEFT_BYTES), &mut tokio::io::sink()).await
    };
    // Whichever way it ends: the client has been told, or cannot be.
    let _ended = shared.abort.run_until_cancelled(tokio::time::timeout(LEFT_TIME, talk)).await;
}

/// Answers 503 `SlowDown` to a client beyond the limit of connections.
pub(super) async fn refuse<H>(stream: TcpStream, shared: &Shared<H>) {
    let talk = async {
        match &shared.tls {
            Some(tls) => slow_down(tls.acceptor().accept(stream).await?, shared).await,
            None => slow_down(stream, shared).await,
        }
    };
    let _ended = tokio::time::timeout(2 * LEFT_TIME, talk).await;
}

async fn slow_down<S: AsyncRead + AsyncWrite + Unpin, H>(
    mut stream: S,
    shared: &Shared<H>,
) -> io::Result<()> {
    let mut first = [0; 1];
    // Not before it asked: an answer to nothing is an error to some clients.
    stream.read_exact(&mut first).await?;
    tell(stream, &SLOW_DOWN, shared).await;
    Ok(())
}
