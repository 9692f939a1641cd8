//! Which trace a request belongs to: W3C Trace Context (Recommendation of 2021-11-23).

use std::fmt;

use http::HeaderMap;
use terrace_runtime::Ids;

use crate::config::Ratio;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// Longest `tracestate` that is passed on, in bytes (section 3.3.1.5), and most entries (section 3.3.1.1).
const STATE_MAX: usize = 512;
const STATE_ENTRIES: usize = 32;
const SAMPLED: u8 = 1;

/// Names a trace; shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub(super) [u8; 16]);

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The place of a request in its trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace: TraceId,
    /// Span of the caller.
    pub(super) parent: Option<[u8; 8]>,
    /// `tracestate` as the caller sent it; empty: none, or not valid.
    pub(super) state: String,
    /// Whether spans of this request are sent.
    pub(super) sampled: bool,
}

impl Context {
    /// The caller's trace, as sampled as the caller says; without a valid `traceparent` a new one, sampled by `ratio`.
    pub(super) fn of(headers: &HeaderMap, ratio: Ratio, ids: &dyn Ids) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(only), None) => parent(only.as_bytes()),
            _ => None,
        };
        if let Some((trace, span, flags)) = parent {
            let (parent, sampled) = (Some(span), flags & SAMPLED != 0);
            return Self { trace, parent, state: state(headers), sampled };
        }
        let (high, low) = (ids.random(), ids.random());
        // Zero is no trace.
        let trace = u128::from(high) << 64 | u128::from(low.max(1));
        let sampled = sampled(low, ratio);
        Self { trace: TraceId(trace.to_be_bytes()), parent: None, state: String::new(), sampled }
    }
}

/// `low` are the last 8 bytes of a trace's id, which are random: where several services sample by the same ratio, all of them take the same traces.
fn sampled(low: u64, ratio: Ratio) -> bool {
    const ALL: f64 = (1_u64 << 63) as f64;
    ratio.get() >= 1.0 || ((low >> 1) as f64) < ratio.get() * ALL
}

/// Trace, span and flags of a `traceparent` (section 3.2.2).
fn parent(text: &[u8]) -> Option<(TraceId, [u8; 8], u8)> {
    let [version] = hex(text.get(..2)?)?;
    let whole = match (version, text.len(), text.get(55)) {
        (0..=0xFE, 55, _) => true,
        // What a later version adds comes behind a dash.
        (1..=0xFE, _, Some(b'-')) => true,
        _ => false,
    };
    let dashes = [2, 35, 52].iter().all(|at| text.get(*at) == Some(&b'-'));
    let trace: [u8; 16] = hex(text.get(3..35)?)?;
    let span: [u8; 8] = hex(text.get(36..52)?)?;
    let [flags] = hex(text.get(53..55)?)?;
    let named = trace != [0; 16] && span != [0; 8];
    (whole && dashes && named).then_some((TraceId(trace), span, flags))
}

/// Lower-case digits only.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = text.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

fn state(headers: &HeaderMap) -> String {
    let mut state = String::new();
    for value in headers.get_all(TRACESTATE) {
        let Ok(text) = value.to_str() else { return String::new() };
        if !state.is_empty() {
            state.push(',');
        }
        state.push_str(text);
        if state.len() > STATE_MAX {
            return String::new();
        }
    }
    let entry = |entry: &str| {
        entry.trim().is_empty() || entry.split_once('=').is_some_and(|(key, _)| !key.is_empty())
    };
    let valid = state.split(',').count() <= STATE_ENTRIES && state.split(',').all(entry);
    if valid { state } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_runtime::SystemIds;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn of(headers: &[(&'static str, &str)], ratio: f64) -> Context {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Context::of(&map, Ratio::new(ratio).unwrap(), &SystemIds)
    }

    #[test]
    fn the_parent_of_a_valid_traceparent_decides_whether_a_request_is_sampled() {
        let known = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let context = of(&[("traceparent", &known), ("tracestate", "a=1,b@c=2"), ("tracestate", "d=3")], 0.0);
        assert_eq!(context.trace.to_string(), TRACE);
        assert_eq!(context.parent, Some([0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]));
        assert_eq!((context.state.as_str(), context.sampled), ("a=1,b@c=2,d=3", true));
        assert!(!of(&[("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-02"))], 1.0).sampled);
        for later in ["cc", "01"] {
            let text = format!("{later}-{TRACE}-00f067aa0ba902b7-01");
            assert_eq!(of(&[("traceparent", &text)], 0.0).trace.to_string(), TRACE);
            assert_eq!(
                of(&[("traceparent", &format!("{text}-what-the-future-brings"))], 0.0).trace.to_string(),
                TRACE
            );
        }
    }

    #[test]
    fn an_invalid_traceparent_starts_a_new_trace_and_its_tracestate_is_dropped() {
        let upper = TRACE.to_uppercase();
        for wrong in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{upper}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("01-{TRACE}-00f067aa0ba902b7-01more"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-00f067aa0ba902b7-0"),
            format!("00-{TRACE}_00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902bg-01"),
            format!("0x-{TRACE}-00f067aa0ba902b7-01"),
        ] {
            let context = of(&[("traceparent", &wrong), ("tracestate", "a=1")], 0.0);
            assert_ne!(context.trace.to_string(), TRACE, "{wrong}");
            assert_eq!(
                (context.parent, context.state.as_str(), context.sampled),
                (None, "", false),
                "{wrong}"
            );
        }
        let known = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(of(&[("traceparent", &known), ("traceparent", &known)], 0.0).parent, None);
    }

    #[test]
    fn a_tracestate_that_is_not_valid_is_dropped_and_the_parent_kept() {
        let known = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let (long, many) = (format!("a={}", "x".repeat(STATE_MAX)), vec!["a=1"; STATE_ENTRIES + 1].join(","));
        for wrong in ["a", "=1", &long, &many] {
            let context = of(&[("traceparent", &known), ("tracestate", wrong)], 0.0);
            assert_eq!((context.state.as_str(), context.parent.is_some()), ("", true), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_takes_its_share_of_traces() {
        let taken = |ratio| (0..10_000).filter(|_| of(&[], ratio).sampled).count();
        assert_eq!((taken(0.0), taken(1.0)), (0, 10_000));
        // Seven standard deviations on each side.
        assert!((2_197..=2_803).contains(&taken(0.25)));
        assert!(!sampled(0, Ratio::new(0.0).unwrap()) && sampled(u64::MAX, Ratio::new(1.0).unwrap()));
    }
}
