//! Whole requests through the guard.

mod bodies;
mod published;
mod rules;
mod service;
mod signer;
mod splits;
mod version_2;

use std::convert::Infallible;

use http_body_util::{BodyExt, Full, StreamBody};
use terrace_runtime::ManualClock;

use super::super::{Identity, Secret, StaticCredentials};
use super::*;
use signer::{EXAMPLE, Signer};

/// 2013-05-24T00:00:00Z, in milliseconds.
const NOW: u64 = 1_369_353_600_000;

fn guard() -> Guard {
    guard_of("us-east-1")
}

fn guard_of(region: &str) -> Guard {
    let credential = Credential::new(EXAMPLE.access_key, Secret::new(EXAMPLE.secret));
    let keys: StaticCredentials = [credential].into_iter().collect();
    let options = GuardOptions { region: region.into(), ..GuardOptions::default() };
    Guard::new(options, Arc::new(keys), Arc::new(ManualClock::at(NOW)), Tasks::new())
}

/// A request line and headers; a host is added.
fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri).header("host", "127.0.0.1:9000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn with_body(parts: Parts, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::from_parts(parts, Full::new(body.into()))
}

/// The body as the connection gives it: in these pieces, of unknown length.
fn in_pieces(
    parts: Parts,
    pieces: Vec<Bytes>,
) -> Request<impl http_body::Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static> {
    let frames = pieces.into_iter().map(|piece| Ok(http_body::Frame::data(piece)));
    Request::from_parts(parts, StreamBody::new(futures::stream::iter(frames)))
}

/// Status and S3 code of a refusal, e.g. `403 AccessDenied`.
fn refusal(answer: s3s::HttpResponse) -> String {
    let status = answer.status().as_u16();
    let body = answer.into_body().bytes().unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
    format!("{status} {}", code.unwrap_or(&text))
}

/// Admits a request and reads its body: the rewritten head with the body, or the refusal, wherever it came.
async fn read<B>(guard: &Guard, request: Request<B>) -> Result<(Parts, Bytes), String>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<s3s::StdError>,
{
    let (admitted, aftercare) = guard.admit(request).await.map_err(refusal)?;
    let (parts, body) = admitted.into_parts();
    match body.collect().await {
        Ok(body) => Ok((parts, body.to_bytes())),
        Err(error) => {
            let found = BodyRefusal::find(&*error).expect("a body fails with a BodyRefusal").code();
            let answer = aftercare
                .settle(http::Response::builder().status(500).body(s3s::Body::empty()).unwrap())
                .await;
            let refusal = refusal(answer);
            assert!(refusal.ends_with(found.as_str()), "{refusal} is not {}", found.as_str());
            Err(refusal)
        }
    }
}
