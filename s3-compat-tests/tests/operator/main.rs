//! What an operator sets up and sees: certificates, the access log, metrics, traces. All with the real binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod requests;
mod tls;
mod traces;

use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that the server does in its own time.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, waiting).await.is_ok(), "it did not happen in {DEADLINE:?}");
}
