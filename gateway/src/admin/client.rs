//! The command line's side of the admin listener.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::routes::CLEAN;
use super::{Endpoint, Report};
use crate::server::BoxError;

const CONNECT: Duration = Duration::from_secs(5);

/// Why a running gateway did not report.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or somebody else does: the gateway was killed.
    #[error("the gateway of this data directory does not run at {0} any more")]
    NotRunning(std::net::SocketAddr),
    /// The connection failed.
    #[error("the running gateway at {address} does not answer")]
    Broken {
        /// Its admin listener.
        address: std::net::SocketAddr,
        /// What the connection said.
        source: BoxError,
    },
    /// It answered with an error.
    #[error("the running gateway refused: {status}: {text}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said.
        text: String,
    },
}

/// Asks the gateway at `endpoint` for an operation, `POST target` with `body`, and waits for its report however long that takes.
///
/// # Errors
/// It does not run, does not answer, or refuses.
pub async fn call(endpoint: &Endpoint, target: &str, body: Bytes) -> Result<Report, ClientError> {
    let address = endpoint.admin;
    let broken = |source: BoxError| ClientError::Broken { address, source };
    let stream = match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            return Err(ClientError::NotRunning(address));
        }
        Ok(Err(error)) => return Err(broken(error.into())),
        Err(elapsed) => return Err(broken(elapsed.into())),
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.into()))?;
    let request = Request::post(target)
        .header(HOST, address.to_string())
        .header(AUTHORIZATION, format!("Bearer {}", endpoint.token))
        .body(Full::new(body))
        .map_err(|error| broken(error.into()))?;
    let talk = async move {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
    };
    let (talked, _connection) = tokio::join!(talk, connection);
    let (head, body) = talked.map_err(|error| broken(error.into()))?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if head.status == StatusCode::FORBIDDEN {
        return Err(ClientError::NotRunning(address));
    }
    match head.headers.get(CLEAN) {
        Some(clean) if head.status == StatusCode::OK => Ok(Report { clean: clean == "true", text }),
        _ => Err(ClientError::Refused { status: head.status, text: text.trim_end().to_owned() }),
    }
}
