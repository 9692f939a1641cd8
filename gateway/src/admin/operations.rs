//! What an operator asks of a running gateway, because it alone holds the data directory.

use std::path::Path;

use async_trait::async_trait;

use crate::server::BoxError;

/// What an operation found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether all is as it must be.
    pub clean: bool,
    /// For the operator, lines.
    pub text: String,
}

/// The operations. Both may take long; the gateway goes on serving.
#[async_trait]
pub trait Operations: Send + Sync + 'static {
    /// Proves that each blob is in exactly one class; with `repair`, also removes what belongs to none.
    ///
    /// # Errors
    /// What kept it from looking.
    async fn fsck(&self, repair: bool) -> Result<Report, BoxError>;

    /// Writes a copy to `directory`, an absolute path that does not exist or is empty, from which a gateway can start.
    ///
    /// # Errors
    /// What kept it from being complete; what was written is not a backup.
    async fn backup(&self, directory: &Path) -> Result<Report, BoxError>;
}
