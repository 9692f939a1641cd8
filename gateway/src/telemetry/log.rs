//! The log.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{LogFormat, LogSettings};

/// s3s calls every refusal of a client an error, and shows the bytes of malformed documents. Silent unless the operator's filter, which
/// comes after this, names it.
const QUIET: &str = "s3s=off";

/// Writes the log to standard error from now on, panics included.
///
/// # Errors
/// The filter is none, or a log was started before.
pub fn start(settings: &LogSettings) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.level))?;
    let text = || {
        let terminal = std::io::stderr().is_terminal();
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(terminal)
    };
    match settings.format {
        LogFormat::Text => set(capped(text().with_target(false)), filter)?,
        LogFormat::Json => set(capped(text().json().flatten_event(true)), filter)?,
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        let what = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, what, "a panic: this is a bug in Terrace");
    }));
    Ok(())
}

fn set<L>(layer: L, filter: EnvFilter) -> Result<(), tracing::subscriber::SetGlobalDefaultError>
where
    L: Layer<tracing_subscriber::layer::Layered<EnvFilter, tracing_subscriber::Registry>> + Send + Sync,
{
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(filter).with(layer))
}

/// s3s shows computed signatures at `debug` (guard.md, rule 12): its events below `info` go nowhere, whatever the filter says.
fn capped<S, L>(layer: L) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    layer.with_filter(filter_fn(shown).with_max_level_hint(LevelFilter::TRACE))
}

fn shown(event: &Metadata<'_>) -> bool {
    let s3s = event.target() == "s3s" || event.target().starts_with("s3s::");
    !s3s || *event.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn s3s_is_capped_at_info_whatever_the_filter_says() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer =
            capped(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone()));
        let filter = EnvFilter::new(format!("{QUIET},trace,s3s=trace,s3s::ops=trace"));
        let subscriber = tracing_subscriber::registry().with(filter).with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "s3s", "signature one");
            tracing::trace!(target: "s3s::ops", "signature two");
            tracing::info!(target: "s3s", "routed");
            tracing::debug!(target: "s3soup", "another crate");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("signature"), "{text}");
        assert!(text.contains("routed") && text.contains("another crate"), "{text}");
    }
}
