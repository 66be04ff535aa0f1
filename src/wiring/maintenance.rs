//! Housekeeping: what is done and old is deleted, rows in small bites, so that the disk does not fill.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::adapters::sqlite::SqliteRetention;
use crate::core::clock::Clock;
use crate::core::files::Workspaces;

/// Time between two rounds.
const EVERY: TimeDelta = TimeDelta::hours(6);

/// The first round waits until the start is over.
const FIRST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// Rows in one transaction.
const BITE: u32 = 500;

/// How long files are kept that were only needed for a turn.
const TEMPORARY: TimeDelta = TimeDelta::days(1);

/// What is kept in order.
pub(super) struct Housekeeping {
    /// The rows that can be deleted.
    pub(super) retention: SqliteRetention,
    /// For how many days they are kept.
    pub(super) keep_days: u32,
    /// The files of the chats.
    pub(super) files: Arc<dyn Workspaces>,
    /// The folder in which files are kept for a day.
    pub(super) temporary: String,
}

/// Deletes what is old until `stop`.
pub(super) async fn run(
    housekeeping: Housekeeping,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut next = clock.now() + FIRST_AFTER;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep_until(next) => {}
        }
        let now = clock.now();
        housekeeping.rows(now, &stop).await;
        housekeeping.files(now).await;
        next = clock.now() + EVERY;
    }
}

impl Housekeeping {
    async fn rows(&self, now: DateTime<Utc>, stop: &CancellationToken) {
        let kept = TimeDelta::try_days(self.keep_days.into());
        let Some(older_than) = kept.and_then(|kept| now.checked_sub_signed(kept)) else {
            // Longer than time itself: everything is kept.
            return;
        };
        let mut gone = 0;
        while !stop.is_cancelled() {
            match self.retention.purge(older_than, BITE).await {
                Ok(0) => break,
                Ok(rows) => gone += rows,
                Err(error) => {
                    warn!(%error, "old rows could not be deleted");
                    break;
                }
            }
        }
        info!(rows = gone, "old rows deleted");
    }

    async fn files(&self, now: DateTime<Utc>) {
        match self.files.sweep(&self.temporary, now - TEMPORARY).await {
            Ok(0) => {}
            Ok(files) => info!(files, "temporary files deleted"),
            Err(error) => warn!(%error, "temporary files could not be deleted"),
        }
    }
}
