//! The least that a server can do: hyper, and files. It verifies nothing, syncs nothing, and knows a body by its path only. What Terrace costs
//! beyond it for the same GET is what Terrace adds.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::Outcome;

/// Bytes of one read, as Terrace's long-term tier reads.
const CHUNK: u64 = 256 << 10;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, io::Error>;

/// Serves `folder` on `listen` until the process is killed: PUT keeps a body, GET sends it, other requests are answered 200.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn serve(listen: SocketAddr, folder: PathBuf) -> Outcome<()> {
    let listener = TcpListener::bind(listen).await?;
    let folder = Arc::new(folder);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let folder = Arc::clone(&folder);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let folder = Arc::clone(&folder);
                async move { Ok::<_, Infallible>(answer(&folder, request).await) }
            });
            // A client that goes away ends its own connection only.
            let _ended = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(folder: &Path, request: Request<Incoming>) -> Response<Body> {
    let answered = match *request.method() {
        Method::PUT => put(folder, request).await,
        Method::GET => get(folder, request.uri().path()).await,
        _ => Ok(Response::new(Body::default())),
    };
    answered.unwrap_or_else(|error| {
        let mut response = Response::new(
            http_body_util::Full::from(error.to_string()).map_err(|never| match never {}).boxed_unsync(),
        );
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn file(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_matches('/').replace('/', "_"))
}

async fn put(folder: &Path, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let mut file = File::create(file(folder, request.uri().path()))?;
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(io::Error::other)?.into_data() {
            file.write_all(&piece)?;
        }
    }
    Ok(Response::new(Body::default()))
}

async fn get(folder: &Path, path: &str) -> io::Result<Response<Body>> {
    let path = file(folder, path);
    if !path.is_file() {
        return Ok(Response::new(Body::default()));
    }
    let file = Arc::new(File::open(path)?);
    let size = file.metadata()?.len();
    let chunks = stream::try_unfold(0, move |begin| {
        let file = Arc::clone(&file);
        async move {
            if begin == size {
                return Ok(None);
            }
            let end = size.min(begin + CHUNK);
            let mut chunk = vec![0; usize::try_from(end - begin).unwrap_or_default()];
            // In place: the files are in memory, and a change of thread is no part of the least.
            file.read_exact_at(&mut chunk, begin)?;
            Ok(Some((Frame::data(Bytes::from(chunk)), end)))
        }
    });
    let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
    response.headers_mut().insert("content-length", size.into());
    Ok(response)
}
