//! The guard in front of s3s: one verifier for every path, before routing.
//!
//! It verifies the signature, decodes and verifies the body, and hands s3s a request that has neither signature nor
//! framing, with the verified [`Identity`](super::Identity) (and a [`ChecksumSlot`] if a checksum was announced) in its
//! extensions. A request without a signature is handed on without an identity. Whatever is refused is answered with an S3
//! error document. One rule a file.

mod aftercare;
mod authorization;
mod body;
mod canonical;
mod claim;
mod duplicates;
mod form;
mod hoisted;
mod length;
mod mechanism;
mod metadata;
mod payload;
mod presigned;
mod query;
mod rewrite;
mod scope;
mod security_token;
mod signature;
mod signed_headers;
mod timestamp;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Version, header};
use subtle::ConstantTimeEq;
use terrace_runtime::{Clock, Tasks};

use super::{BodyRefusal, ChecksumSlot, Credential, Credentials, Refusal, RequestId};
pub use aftercare::Aftercare;
use body::{Chunked, Demands, Digests, Framing, VerifiedBody, announced_trailer};
use canonical::{PathForm, Signed};
use claim::{Carrier, Claim};
use mechanism::Mechanism;
use payload::Payload;
use query::Query;
use signature::ChunkSigner;
pub(crate) use signature::SigningKey;

/// Settings of a [`Guard`].
#[derive(Debug, Clone)]
pub struct GuardOptions {
    /// The region that requests must be signed for.
    pub region: String,
    /// How long a client may send nothing of a body before the request ends in `RequestTimeout`.
    pub body_idle: Duration,
}

impl Default for GuardOptions {
    /// `us-east-1`, 60 s.
    fn default() -> Self {
        Self { region: "us-east-1".into(), body_idle: Duration::from_secs(60) }
    }
}

/// The verifier. One for all connections.
pub struct Guard {
    options: GuardOptions,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
}

/// What the headers of a request came to.
struct Judged {
    /// Whose signature it is, and where it was.
    signed: Option<(Arc<Credential>, Carrier)>,
    demands: Demands,
    announces_checksum: bool,
}

impl Guard {
    /// A guard that knows these credentials. Digests of large pieces of bodies are computed as blocking `tasks`.
    #[must_use]
    pub fn new(
        options: GuardOptions,
        credentials: Arc<dyn Credentials>,
        clock: Arc<dyn Clock>,
        tasks: Tasks,
    ) -> Self {
        Self { options, credentials, clock, tasks }
    }

    /// Verifies a request and rewrites it for s3s. Give the answer of s3s to [`Aftercare::settle`] before sending it. The
    /// extensions should hold a [`RequestId`]; it is named in refusals.
    ///
    /// # Errors
    /// The S3 error document to send instead; the body has been drained (1 MiB or 5 s at most).
    pub async fn admit<B>(
        &self,
        request: Request<B>,
    ) -> Result<(s3s::HttpRequest, Aftercare<B>), s3s::HttpResponse>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<s3s::StdError>,
    {
        let (mut parts, body) = request.into_parts();
        let exact = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        let judged = self.judge(&parts, exact).and_then(|judged| {
            rewrite_parts(&mut parts, &judged)?;
            Ok(judged)
        });
        match judged {
            Ok(judged) => admit_body(parts, body, judged.demands).await,
            Err(refusal) => {
                aftercare::drain(body, aftercare::expects_continue(&parts.headers)).await;
                Err(refuse(&refusal, &parts))
            }
        }
    }

    /// [`Guard::admit`], then `service`, then [`Aftercare::settle`]: always an answer, never an aborted connection
    /// (rule 15). The future is large; box it.
    pub async fn serve<B>(&self, request: Request<B>, service: &s3s::service::S3Service) -> s3s::HttpResponse
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<s3s::StdError>,
    {
        let id = request.extensions().get::<RequestId>().cloned();
        let method = request.method().clone();
        let (request, aftercare) = match self.admit(request).await {
            Ok(admitted) => admitted,
            Err(answer) => return answer,
        };
        let answer = match service.call(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let error = s3s::StdError::from(error);
                tracing::error!(
                    error = &*error,
                    request_id = id.as_ref().map(|id| &*id.0),
                    "s3s gave no answer"
                );
                Refusal::Internal.response(&method, id.as_ref())
            }
        };
        aftercare.settle(answer).await
    }

    /// Everything that can be said without the body. `exact`: the length of the body if the connection knows it.
    fn judge(&self, parts: &Parts, exact: Option<u64>) -> Result<Judged, Refusal> {
        duplicates::check(&parts.headers)?;
        form::check(parts)?;
        let query = Query::parse(parts.uri.query().unwrap_or(""));
        security_token::check(parts, &query)?;
        let now = i64::try_from(self.clock.wall() / 1000).unwrap_or(i64::MAX);
        let claim = match Mechanism::of(parts, &query)? {
            Mechanism::Anonymous => None,
            Mechanism::Header => Some(authorization::claim(parts, now)?),
            Mechanism::Query => Some(presigned::claim(parts, &query, now)?),
        };
        let named = parts
            .headers
            .get("x-amz-content-sha256")
            .map_or(&b"UNSIGNED-PAYLOAD"[..], |value| value.as_bytes());
        let payload = Payload::parse(claim.as_ref().map_or(named, |claim| claim.payload))?;
        let verified = claim.as_ref().map(|claim| self.verify(parts, &query, claim)).transpose()?;
        check_payload(parts, payload, claim.as_ref())?;

        let signer = match (&claim, &verified, payload) {
            (Some(claim), Some((_, key)), Payload::SignedChunks { .. }) => {
                Some(ChunkSigner::new(Arc::clone(key), &claim.at, claim.scope.region, &claim.signature))
            }
            _ => None,
        };
        let length = length::decoded(&parts.headers, payload.is_chunked(), exact)?;
        let announced = if payload.has_trailer() { announced_trailer(&parts.headers)? } else { None };
        let hash = match payload {
            Payload::Hashed(signature::EMPTY_SHA256_BYTES) if length == 0 => None,
            Payload::Hashed(hash) => Some(hash),
            _ => None,
        };
        let digests =
            Digests::asked(&parts.headers, hash, checksum_is_of_body(&parts.method, &query), announced)?;
        let framing = if payload.is_chunked() {
            let trailer = payload.has_trailer().then_some(announced);
            Framing::Chunked(Box::new(Chunked::new(length, signer, trailer)))
        } else {
            Framing::Plain
        };
        let announces_checksum = digests.as_ref().is_some_and(|digests| digests.have_checksum());
        let (idle, tasks) = (self.options.body_idle, self.tasks.clone());
        let demands = Demands { framing, length, digests, slot: ChecksumSlot::default(), idle, tasks };
        let signed = verified.zip(claim).map(|((credential, _), claim)| (credential, claim.carrier));
        Ok(Judged { signed, demands, announces_checksum })
    }

    /// Verifies the signature of a claim (rules 1 and 14 first, then the key, then the arithmetic in constant time).
    fn verify(
        &self,
        parts: &Parts,
        query: &Query<'_>,
        claim: &Claim<'_>,
    ) -> Result<(Arc<Credential>, Arc<SigningKey>), Refusal> {
        let location_probe = parts.method == Method::GET && query.has("location");
        claim.check_scope(&self.options.region, location_probe)?;
        claim.headers.check(&parts.headers)?;
        let credential = self.credentials.find(claim.scope.access_key).ok_or(Refusal::InvalidAccessKeyId)?;
        let key = credential.signing_key(claim.scope.date, claim.scope.region);
        let authority = authority(parts)?;
        let signed = Signed { headers: claim.headers.names(), payload: claim.payload, authority };
        let matches = |path| {
            let canonical = canonical::request(parts, query, &signed, path)?;
            let expected = key.sign_request(&claim.at, claim.scope.region, &canonical);
            bool::from(expected.ct_eq(&claim.signature)).then_some(())
        };
        let normal = canonical::is_normal(parts.uri.path().as_bytes());
        let accepted =
            matches(PathForm::Normalised).or_else(|| if normal { None } else { matches(PathForm::Raw) });
        accepted.ok_or(Refusal::SignatureDoesNotMatch)?;
        Ok((credential, key))
    }
}

/// The `:authority` of HTTP/2, where there is no host header. With both they must agree (RFC 9113, 8.3.1).
fn authority(parts: &Parts) -> Result<Option<&str>, Refusal> {
    let authority = match parts.version {
        Version::HTTP_2 | Version::HTTP_3 => parts.uri.authority().map(http::uri::Authority::as_str),
        _ => None,
    };
    match (authority, parts.headers.get(header::HOST)) {
        (Some(authority), Some(host)) if *host != *authority => {
            Err(Refusal::InvalidRequest("The host header and the :authority differ."))
        }
        _ => Ok(authority),
    }
}

/// Payload forms that do not fit the rest of the request.
fn check_payload(parts: &Parts, payload: Payload, claim: Option<&Claim<'_>>) -> Result<(), Refusal> {
    match (payload, claim.map(|claim| claim.carrier)) {
        (Payload::SignedChunks { .. }, None) => Err(Refusal::AccessDenied("Access Denied")),
        (_, Some(Carrier::Query)) if payload.is_chunked() => {
            Err(Refusal::NotImplemented("Streaming payloads of presigned requests are not supported."))
        }
        _ if !payload.is_chunked() && rewrite::names_aws_chunked(&parts.headers) => {
            Err(Refusal::InvalidRequest(
                "Content-Encoding says aws-chunked, but x-amz-content-sha256 does not name a streaming payload.",
            ))
        }
        _ => Ok(()),
    }
}

/// `x-amz-checksum-*` of `CompleteMultipartUpload` speaks of the object, not of the XML.
fn checksum_is_of_body(method: &Method, query: &Query<'_>) -> bool {
    !(method == Method::POST && query.has("uploadId"))
}

/// Makes of the head what s3s is to see.
fn rewrite_parts(parts: &mut Parts, judged: &Judged) -> Result<(), Refusal> {
    let demands = &judged.demands;
    let chunked = matches!(demands.framing, Framing::Chunked(_));
    let has_length = demands.length > 0 || chunked || parts.headers.contains_key(header::CONTENT_LENGTH);
    rewrite::headers(&mut parts.headers, chunked, has_length.then_some(demands.length));
    if let Some((credential, carrier)) = &judged.signed {
        if *carrier == Carrier::Query {
            hoisted::to_headers(parts)?;
            rewrite::unsign_query(parts)?;
        }
        parts.extensions.insert(credential.identity().clone());
    }
    if judged.announces_checksum {
        parts.extensions.insert(demands.slot.clone());
    }
    metadata::check(&parts.headers)
}

/// Puts the verified body in the place of the body of the connection.
async fn admit_body<B>(
    parts: Parts,
    body: B,
    demands: Demands,
) -> Result<(s3s::HttpRequest, Aftercare<B>), s3s::HttpResponse>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<s3s::StdError>,
{
    if demands.length > 0 {
        let body = VerifiedBody::new(body, demands);
        let (method, id) = (parts.method.clone(), parts.extensions.get::<RequestId>().cloned());
        let expects = aftercare::expects_continue(&parts.headers);
        let aftercare = Aftercare::of(body.remains(), method, id, expects);
        return Ok((Request::from_parts(parts, s3s::Body::http_body(body)), aftercare));
    }
    match verify_empty(body, demands).await {
        Ok(()) => Ok((Request::from_parts(parts, s3s::Body::empty()), Aftercare::none())),
        Err(refusal) => Err(refuse(&refusal.into(), &parts)),
    }
}

/// Nobody will read an empty body, so what was promised of it is verified here. Drains what was wrongly sent.
async fn verify_empty<B>(body: B, mut demands: Demands) -> Result<(), BodyRefusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<s3s::StdError>,
{
    if matches!(demands.framing, Framing::Plain) {
        let Some(digests) = demands.digests.take() else { return Ok(()) };
        if let Some(checksum) = digests.verify(None)? {
            let _already = demands.slot.set(checksum);
        }
        return Ok(());
    }
    let body = VerifiedBody::new(body, demands);
    let remains = body.remains();
    let verified = body.finish_empty().await;
    let unread = remains.unread.lock().take();
    if let Some((body, _)) = unread {
        aftercare::drain(body.into_inner(), false).await;
    }
    verified
}

fn refuse(refusal: &Refusal, parts: &Parts) -> s3s::HttpResponse {
    let id = parts.extensions.get::<RequestId>();
    tracing::debug!(
        refusal = refusal as &dyn std::error::Error,
        request_id = id.map(|id| &*id.0),
        "request refused"
    );
    refusal.response(&parts.method, id)
}

#[cfg(test)]
mod tests;
