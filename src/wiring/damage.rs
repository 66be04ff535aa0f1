//! Looks for damage in the database while the process runs on it: soon after the start, where that has not looked through
//! all of it, and every day.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::adapters::sqlite::{OpenError, is_small, look_through};
use crate::core::clock::Clock;

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// After the start: what waits for it has the disk first.
const SOON: Duration = Duration::from_secs(2);

/// Looks until `stop`. Ends with an error when there is damage: to write on would make it worse.
pub(super) async fn watch(
    database: PathBuf,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut pause = if is_small(&database) { EVERY } else { SOON };
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep(pause) => {}
        }
        match look_through(&database).await {
            Ok(()) => {}
            Err(error @ OpenError::Damaged(_)) => return Err(error.into()),
            Err(error) => warn!(%error, "the database was not looked through for damage"),
        }
        pause = EVERY;
    }
}
