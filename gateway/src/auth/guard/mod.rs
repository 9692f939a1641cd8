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
mod documents;
mod duplicates;
mod form;
mod hoisted;
mod length;
mod mechanism;
mod metadata;
mod payload;
mod presigned;
mod presigned_v2;
mod query;
mod rewrite;
mod scope;
mod security_token;
mod signature;
mod signed_headers;
mod target;
mod timestamp;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Version, header};
use subtle::ConstantTimeEq;
use terrace_runtime::{Clock, Tasks};

use crate::server::Domain;

use super::{BodyRefusal, ChecksumSlot, Credential, Credentials, Refusal, RequestId};
pub use aftercare::Aftercare;
use body::{Chunked, Demands, Digests, Framing, VerifiedBody, announced_trailer};
use canonical::{PathForm, Signed};
use claim::{Carrier, Claim};
use documents::Documents;
use mechanism::Mechanism;
use payload::Payload;
use query::Query;
use signature::ChunkSigner;
pub(crate) use signature::SigningKey;
use target::Target;

/// Settings of a [`Guard`].
#[derive(Debug, Clone)]
pub struct GuardOptions {
    /// The region that requests must be signed for.
    pub region: String,
    /// How long a client may send nothing of a body before the request ends in `RequestTimeout`.
    pub body_idle: Duration,
    /// Whether requests presigned with Signature Version 2 are accepted, for GET, HEAD and PUT of objects.
    pub presigned_v2: bool,
    /// The domain below which hosts name buckets.
    pub domain: Option<Domain>,
}

impl Default for GuardOptions {
    /// `us-east-1`, 60 s, version 2 accepted, no domain.
    fn default() -> Self {
        Self {
            region: "us-east-1".into(),
            body_idle: Duration::from_secs(60),
            presigned_v2: true,
            domain: None,
        }
    }
}

/// The body of a request as its connection hands it over.
pub trait WireBody:
    http_body::Body<Data = Bytes, Error: Into<s3s::StdError>> + Send + Unpin + 'static
{
}

impl<B> WireBody for B where
    B: http_body::Body<Data = Bytes, Error: Into<s3s::StdError>> + Send + Unpin + 'static
{
}

/// The verifier. One for all connections.
pub struct Guard {
    options: GuardOptions,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    documents: Documents,
    tasks: Tasks,
}

/// What the headers of a request came to.
struct Judged {
    /// Whose signature it is, and where it was.
    signed: Option<(Arc<Credential>, Carrier)>,
    demands: Demands,
    announces_checksum: bool,
    /// Whether the body is held whole before it is handed on.
    is_document: bool,
}

/// Who signed a request, and how its body is to be taken.
struct Authentic {
    signed: Option<(Arc<Credential>, Carrier)>,
    payload: Payload,
    chunks: Option<ChunkSigner>,
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
        Self { options, credentials, clock, documents: Documents::new(), tasks }
    }

    /// Verifies a request and rewrites it for s3s. Give the answer of s3s to [`Aftercare::settle`] before sending it. The
    /// extensions should hold a [`RequestId`]; it is named in refusals.
    ///
    /// # Errors
    /// The S3 error document to send instead; the body has been drained (1 MiB or 5 s at most).
    pub async fn admit<B: WireBody>(
        &self,
        request: Request<B>,
    ) -> Result<(s3s::HttpRequest, Aftercare<B>), s3s::HttpResponse> {
        let (mut parts, body) = request.into_parts();
        let exact = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        let judged = presigned_v2::unpack(&mut parts).and_then(|()| self.judge(&parts, exact));
        let judged = judged.and_then(|judged| rewrite_parts(&mut parts, &judged).map(|()| judged));
        match judged {
            Ok(judged) if judged.is_document => self.admit_document(parts, body, judged.demands).await,
            Ok(judged) => admit_body(parts, body, judged.demands).await,
            Err(refusal) => {
                aftercare::drain(body, aftercare::expects_continue(&parts.headers)).await;
                Err(refuse(&refusal, &parts))
            }
        }
    }

    /// [`Guard::admit`], then `service`, then [`Aftercare::settle`]: always an answer, never an aborted connection
    /// (rule 15). The future is large; box it.
    pub async fn serve<B: WireBody>(
        &self,
        request: Request<B>,
        service: &s3s::service::S3Service,
    ) -> s3s::HttpResponse {
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
        let target = Target::of(parts, self.options.domain.as_ref());
        let Authentic { signed, payload, chunks } = self.authenticate(parts, &query, &target)?;
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
            Framing::Chunked(Box::new(Chunked::new(length, chunks, trailer)))
        } else {
            Framing::Plain
        };
        let announces_checksum = digests.as_ref().is_some_and(|digests| digests.have_checksum());
        let (idle, tasks) = (self.options.body_idle, self.tasks.clone());
        let demands = Demands { framing, length, digests, slot: ChecksumSlot::default(), idle, tasks };
        // Of nobody a document is not held: access is denied before anybody reads it.
        let is_document =
            signed.is_some() && length > 0 && documents::is_document(&parts.method, &target, &query);
        if is_document && length > documents::LARGEST {
            return Err(Refusal::DocumentTooLarge);
        }
        Ok(Judged { signed, demands, announces_checksum, is_document })
    }

    /// Finds the signature and verifies it.
    fn authenticate(&self, parts: &Parts, query: &Query<'_>, target: &Target) -> Result<Authentic, Refusal> {
        let now = i64::try_from(self.clock.wall() / 1000).unwrap_or(i64::MAX);
        let mechanism = Mechanism::of(parts, query)?;
        let claim = match mechanism {
            Mechanism::Anonymous | Mechanism::QueryVersion2 => None,
            Mechanism::Header => Some(authorization::claim(parts, now)?),
            Mechanism::Query => Some(presigned::claim(parts, query, now)?),
        };
        let named = parts
            .headers
            .get("x-amz-content-sha256")
            .map_or(&b"UNSIGNED-PAYLOAD"[..], |value| value.as_bytes());
        let payload = Payload::parse(claim.as_ref().map_or(named, |claim| claim.payload))?;
        let mut chunks = None;
        let signed = if mechanism == Mechanism::QueryVersion2 {
            Some((self.verify_version_2(parts, query, target, now)?, Carrier::QueryVersion2))
        } else if let Some(claim) = &claim {
            let (credential, key) = self.verify(parts, query, claim)?;
            if matches!(payload, Payload::SignedChunks { .. }) {
                chunks = Some(ChunkSigner::new(key, &claim.at, claim.scope.region, &claim.signature));
            }
            Some((credential, claim.carrier))
        } else {
            None
        };
        check_payload(parts, payload, signed.as_ref().map(|(_, carrier)| *carrier))?;
        Ok(Authentic { signed, payload, chunks })
    }

    /// Verifies a query of Signature Version 2 (rule 3).
    fn verify_version_2(
        &self,
        parts: &Parts,
        query: &Query<'_>,
        target: &Target,
        now: i64,
    ) -> Result<Arc<Credential>, Refusal> {
        if !self.options.presigned_v2 {
            return Err(mechanism::VERSION_2);
        }
        let claim = presigned_v2::Claim::read(parts, query, target, now)?;
        let credential = self.credentials.find(claim.access_key).ok_or(Refusal::InvalidAccessKeyId)?;
        if !claim.holds(parts, target, credential.secret().expose()) {
            return Err(Refusal::SignatureDoesNotMatch);
        }
        Ok(credential)
    }

    /// Reads a document whole (rules 9 and 10) and admits the request with it.
    async fn admit_document<B: WireBody>(
        &self,
        parts: Parts,
        body: B,
        demands: Demands,
    ) -> Result<(s3s::HttpRequest, Aftercare<B>), s3s::HttpResponse> {
        let opaque = documents::is_policy(&parts.method, &Query::parse(parts.uri.query().unwrap_or("")));
        let (request, mut aftercare) = admit_body(parts, body, demands).await?;
        let (parts, body) = request.into_parts();
        match self.documents.read(body, opaque).await {
            Ok((document, held)) => {
                aftercare.hold(held);
                Ok((Request::from_parts(parts, s3s::Body::from(document)), aftercare))
            }
            Err(refusal) => Err(aftercare.settle(refuse(&refusal, &parts)).await),
        }
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
fn check_payload(parts: &Parts, payload: Payload, carrier: Option<Carrier>) -> Result<(), Refusal> {
    match (payload, carrier) {
        (Payload::SignedChunks { .. }, None) => Err(Refusal::AccessDenied("Access Denied")),
        (_, Some(Carrier::Query | Carrier::QueryVersion2)) if payload.is_chunked() => {
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
        match carrier {
            Carrier::Header => {}
            Carrier::Query => {
                hoisted::to_headers(parts)?;
                rewrite::unsign_query(parts, query::without_signature)?;
            }
            Carrier::QueryVersion2 => rewrite::unsign_query(parts, presigned_v2::signed_query)?,
        }
        parts.extensions.insert(credential.identity().clone());
    }
    if judged.announces_checksum {
        parts.extensions.insert(demands.slot.clone());
    }
    metadata::check(&parts.headers)
}

/// Puts the verified body in the place of the body of the connection.
async fn admit_body<B: WireBody>(
    parts: Parts,
    body: B,
    demands: Demands,
) -> Result<(s3s::HttpRequest, Aftercare<B>), s3s::HttpResponse> {
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
async fn verify_empty<B: WireBody>(body: B, mut demands: Demands) -> Result<(), BodyRefusal> {
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
