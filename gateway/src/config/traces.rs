//! `[traces]`: spans of S3 requests, sent to an OpenTelemetry collector.

use std::fmt;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::duration;
use super::problem::Problems;
use super::secret::Secret;

const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Where spans go, and of how many requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TracesSettings {
    /// Base address of a collector that takes OTLP over HTTP in protobuf, such as `http://127.0.0.1:4318`; `/v1/traces` is added. Without it there are no
    /// traces.
    pub endpoint: Option<String>,
    /// Share of the requests that are sent, 0 to 1, of those that come without a `traceparent`; with one, whoever made it has decided.
    pub sample: Ratio,
    /// Headers of what is sent to the collector, `name=value,name=value`.
    pub headers: Option<Secret>,
    /// Time the collector has to take what is sent at once.
    #[serde(with = "duration")]
    pub timeout: Duration,
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Ratio(f64);

/// Never NaN.
impl Eq for Ratio {}

impl Ratio {
    /// The ratio, if it is one.
    #[must_use]
    pub fn new(ratio: f64) -> Option<Self> {
        (0.0..=1.0).contains(&ratio).then_some(Self(ratio))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RatioVisitor)
    }
}

struct RatioVisitor;

impl de::Visitor<'_> for RatioVisitor {
    type Value = Ratio;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number from 0 to 1")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Ratio, E> {
        Ratio::new(value).ok_or_else(|| E::invalid_value(de::Unexpected::Float(value), &self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Ratio, E> {
        match value {
            0 => Ok(Ratio(0.0)),
            1 => Ok(Ratio(1.0)),
            _ => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
        }
    }

    /// From the environment.
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Ratio, E> {
        let ratio = value.parse().ok().and_then(Ratio::new);
        ratio.ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

impl Default for TracesSettings {
    fn default() -> Self {
        Self { endpoint: None, sample: Ratio(1.0), headers: None, timeout: Duration::from_secs(10) }
    }
}

impl TracesSettings {
    /// The address that spans are posted to; `None`: no traces, or an address that validation refuses.
    #[must_use]
    pub fn target(&self) -> Option<Uri> {
        let base: Uri = self.endpoint.as_deref()?.parse().ok()?;
        let plain = base.scheme() == Some(&Scheme::HTTP) && base.query().is_none();
        let authority = base.authority().filter(|authority| plain && !authority.as_str().contains('@'))?;
        let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
        Uri::builder().scheme(Scheme::HTTP).authority(authority.clone()).path_and_query(path).build().ok()
    }

    /// The headers, their values marked as secret; `None` if they are not written as they must be.
    #[must_use]
    pub fn header_map(&self) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        for pair in self.headers.iter().flat_map(|headers| headers.expose().split(',')) {
            let (name, value) = pair.split_once('=')?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            headers.append(HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value);
        }
        Some(headers)
    }

    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(
            self.endpoint.is_none() || self.target().is_some(),
            "traces.endpoint",
            "must be http://HOST:PORT (https is not in this build: let a collector beside the gateway pass spans on)",
        );
        problems.require(
            self.header_map().is_some(),
            "traces.headers",
            "must be name=value, separated by commas",
        );
        problems.require(
            !self.timeout.is_zero() && self.timeout <= TIMEOUT_MAX,
            "traces.timeout",
            "must be longer than zero, and at most 1m",
        );
    }
}
