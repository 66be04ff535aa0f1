//! Housekeeping: what is done and old is deleted in small bites, so that the database stays small.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::adapters::sqlite::SqliteRetention;
use crate::core::clock::Clock;

/// Time between two rounds.
const EVERY: TimeDelta = TimeDelta::hours(6);

/// The first round waits until the start is over.
const FIRST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Rows in one transaction.
const BITE: u32 = 500;

/// Deletes old rows until `stop`.
pub(super) async fn run(
    retention: SqliteRetention,
    clock: Arc<dyn Clock>,
    keep_days: u32,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut next = clock.now() + FIRST_AFTER;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep_until(next) => {}
        }
        let Some(older_than) = TimeDelta::try_days(keep_days.into())
            .and_then(|kept| clock.now().checked_sub_signed(kept))
        else {
            // Longer than time itself: everything is kept.
            stop.cancelled().await;
            return Ok(());
        };
        let mut gone = 0;
        while !stop.is_cancelled() {
            match retention.purge(older_than, BITE).await {
                Ok(0) => break,
                Ok(rows) => gone += rows,
                Err(error) => {
                    warn!(%error, "old rows could not be deleted");
                    break;
                }
            }
        }
        info!(rows = gone, "old rows deleted");
        next = clock.now() + EVERY;
    }
}
