//! Time, injected. Waiting is `tokio::time`, which obeys tokio's paused clock in tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, as the machine believes them. May jump in both directions.
pub type WallMs = u64;

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Wall time in milliseconds since the epoch: for what is stored or shown, never for measuring.
    fn wall(&self) -> WallMs;

    /// Time since an arbitrary origin that never runs backwards: for measuring, never stored.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks. Monotonic time is tokio's, so that a paused runtime pauses it too.
#[derive(Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is now.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn wall(&self) -> WallMs {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is told to move: for tests and simulation.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// A clock at `wall` milliseconds since the epoch, monotonic zero.
    #[must_use]
    pub fn at(wall: WallMs) -> Self {
        Self { wall: AtomicU64::new(wall), monotonic: AtomicU64::new(0) }
    }

    /// Moves both clocks forward by `by` (whole milliseconds).
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.wall.fetch_add(ms, Ordering::SeqCst);
        self.monotonic.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an operator or NTP would.
    pub fn set_wall(&self, wall: WallMs) {
        self.wall.store(wall, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> WallMs {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(1_000);
        clock.advance(Duration::from_millis(250));
        assert_eq!((clock.wall(), clock.monotonic()), (1_250, Duration::from_millis(250)));
        clock.set_wall(10);
        assert_eq!((clock.wall(), clock.monotonic()), (10, Duration::from_millis(250)));
    }

    #[tokio::test(start_paused = true)]
    async fn monotonic_time_obeys_the_paused_runtime() {
        let clock = SystemClock::new();
        let before = clock.monotonic();
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(clock.monotonic() - before >= Duration::from_secs(3));
    }
}
