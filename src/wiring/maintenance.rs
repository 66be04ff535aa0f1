//! Housekeeping: what is done and old is deleted, rows in small bites, so that the disk does not fill.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::lifecycle::Store;
use super::settings::Settings;
use crate::adapters::files::OutgoingCopies;
use crate::adapters::sqlite::{SqliteOutboxStore, SqliteRetention};
use crate::core::clock::Clock;
use crate::core::files::Workspaces;

/// Time between two rounds.
const EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// The first round waits until the start is over.
const FIRST_AFTER: Duration = Duration::from_secs(5 * 60);

/// Rows in one transaction.
const BITE: u32 = 500;

/// How long files are kept that were only needed for a turn.
const TEMPORARY: TimeDelta = TimeDelta::days(1);

/// A copy is taken a moment before the row that names it is written.
const QUEUED: TimeDelta = TimeDelta::hours(1);

/// What is kept in order.
pub(super) struct Housekeeping {
    /// The rows that can be deleted.
    retention: SqliteRetention,
    /// For how many days they are kept.
    keep_days: u32,
    /// The files of the chats.
    files: Arc<dyn Workspaces>,
    /// The folder in which files are kept for a day.
    temporary: String,
    copies: OutgoingCopies,
    outbox: SqliteOutboxStore,
}

/// Deletes what is old until `stop`.
pub(super) async fn run(
    housekeeping: Housekeeping,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut pause = FIRST_AFTER;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep(pause) => {}
        }
        let now = clock.now();
        housekeeping.rows(now, &stop).await;
        housekeeping.files(now).await;
        housekeeping.copies(now - QUEUED).await;
        pause = EVERY;
    }
}

impl Housekeeping {
    /// Of this process.
    pub(super) fn of(settings: &Settings, store: &Store) -> Self {
        let (database, clock) = (store.database.clone(), store.ports.clock.clone());
        Self {
            retention: SqliteRetention::new(database.clone()),
            keep_days: settings.storage.keep_days.get(),
            files: store.ports.files.clone(),
            temporary: settings.tools.file_storage.incoming_temp_subdir.clone(),
            copies: OutgoingCopies::new(settings.files_root(), settings.outgoing_copies()),
            outbox: SqliteOutboxStore::new(database, clock),
        }
    }

    /// Deletes copies of files that nothing waits to send: a crash can leave some behind.
    pub(super) async fn copies(&self, older_than: DateTime<Utc>) {
        let pruned = match self.outbox.copies_in_use().await {
            Ok(in_use) => self.copies.prune(in_use, older_than).await,
            Err(error) => {
                warn!(%error, "copies of sent files stay: the outbox cannot be read");
                return;
            }
        };
        match pruned {
            Ok(0) => {}
            Ok(files) => info!(files, "copies of sent files deleted"),
            Err(error) => warn!(%error, "copies of sent files could not be deleted"),
        }
    }

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
