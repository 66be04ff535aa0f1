//! The database file: opened private, migrated, read by a pool and written by one task.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::error::OpenError;
use super::statement::Batch;
use super::writer::{Durability, Job, Work, WriterTask, outcome, reply_with};
use crate::core::error::{StoreError, StoreResult};

/// How many connections read; each is a thread and about 1 MB of cache at most.
const READERS: u32 = 3;

/// How many writes may wait before their callers do.
const QUEUE: usize = 1024;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// A handle to the one database. All stores share it.
#[derive(Debug, Clone)]
pub struct Database {
    readers: SqlitePool,
    writes: mpsc::Sender<Job>,
}

impl Database {
    /// Opens or creates the file (0600, its folder 0700) and brings it up to date. Nothing is
    /// written before the returned task runs; it ends when the last handle is dropped.
    pub async fn open(
        path: &Path,
        busy_timeout: Duration,
    ) -> Result<(Self, WriterTask), OpenError> {
        refuse_lost(path)?;
        super::files::create_private(path)?;
        let options = options(path, busy_timeout);
        let mut connection = options.connect().await?;
        if super::health::is_small(path) {
            super::health::find_damage(&mut connection).await?;
        }
        keep_before_upgrade(path, refuse_newer(&mut connection).await?).await?;
        MIGRATIONS.run(&mut connection).await?;
        Ok(Self::on(connection, options))
    }

    /// Opens the file beside the process that runs on it, or instead of one: it must be there, and
    /// of this version, because whoever runs on it could not stand a change of the schema.
    pub async fn open_beside(
        path: &Path,
        busy_timeout: Duration,
    ) -> Result<(Self, WriterTask), OpenError> {
        if !path.exists() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        let options = options(path, busy_timeout);
        let mut connection = options.connect().await?;
        let (known, found) = (newest_known(), schema(&mut connection).await?.unwrap_or(0));
        if found != known {
            return Err(OpenError::OtherSchema { found, known });
        }
        Ok(Self::on(connection, options))
    }

    fn on(connection: SqliteConnection, options: SqliteConnectOptions) -> (Self, WriterTask) {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            // A file does not hang up: asking before each query only takes time.
            .test_before_acquire(false)
            .connect_lazy_with(options.pragma("query_only", "on"));
        let (writes, queue) = mpsc::channel(QUEUE);
        (Self { readers, writes }, WriterTask::new(connection, queue))
    }

    /// Ends the connections for reading, so that the last one, which writes, folds the log into the
    /// file.
    pub async fn close_readers(&self) {
        self.readers.close().await;
    }

    /// The connections for reading. A write that has returned is seen by every later read.
    pub(super) fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `work` in a transaction, perhaps together with others that wait, and returns when it
    /// is on the disk. An error undoes all of it and nothing else. It runs to its end even when
    /// the caller stops waiting.
    pub(super) async fn write<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, StoreResult<T>>
            + Send
            + 'static,
    {
        self.steps(Durability::Disk, work).await
    }

    /// The same for a mark that something is about to begin: it outlives this process at once, and
    /// the loss of power only with the next [`write`](Self::write). Only for what is done again in
    /// the same way whether the mark is found or not.
    pub(super) async fn mark<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, StoreResult<T>>
            + Send
            + 'static,
    {
        self.steps(Durability::Process, work).await
    }

    /// Runs statements that need nothing of each other's results, as `write` and `mark` do, and
    /// returns the ids that they return.
    pub(super) async fn run(
        &self,
        durability: Durability,
        statements: Batch,
    ) -> StoreResult<Vec<i64>> {
        let (answer, answered) = oneshot::channel();
        let work = Work::Statements(statements, answer);
        self.queue(Job { durability, work }, answered).await
    }

    async fn steps<T, F>(&self, durability: Durability, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, StoreResult<T>>
            + Send
            + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work = Work::Steps(Box::new(move |connection| {
            Box::pin(async move {
                let result = match connection {
                    Ok(connection) => work(connection).await,
                    Err(error) => Err(error),
                };
                (outcome(&result), reply_with(result, answer))
            })
        }));
        self.queue(Job { durability, work }, answered).await
    }

    async fn queue<T>(
        &self,
        job: Job,
        answered: oneshot::Receiver<StoreResult<T>>,
    ) -> StoreResult<T> {
        let gone = || StoreError::Failed("the database writer has stopped".into());
        self.writes.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn options(path: &Path, busy_timeout: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(busy_timeout)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-1024")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// A log whose file is gone or empty is what is left of a database.
fn refuse_lost(path: &Path) -> Result<(), OpenError> {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if size(path) == 0 && size(Path::new(&log)) > 0 {
        return Err(OpenError::Lost(path.to_owned()));
    }
    Ok(())
}

/// An older program must not touch a newer database: it would not know what it breaks. Says which
/// schema there is.
async fn refuse_newer(connection: &mut SqliteConnection) -> Result<Option<i64>, OpenError> {
    let known = newest_known();
    match schema(connection).await? {
        Some(found) if found > known => Err(OpenError::TooNew { found, known }),
        found => Ok(found),
    }
}

/// There is no way back from a new schema but a copy made before.
async fn keep_before_upgrade(path: &Path, found: Option<i64>) -> Result<(), OpenError> {
    let Some(found) = found.filter(|found| *found < newest_known()) else {
        return Ok(());
    };
    let copy = copy_before_upgrade(path, found);
    // A copy that is there is of an upgrade that broke off, or of one that was taken back by restoring it: what was
    // written since then is only in the database.
    let made = super::copy::back_up_over(path, &copy).await;
    made.map_err(|error| OpenError::NoCopy(Box::new(error)))?;
    tracing::info!(copy = %copy.display(), "the database gets a new schema; a copy was made");
    Ok(())
}

fn copy_before_upgrade(path: &Path, schema: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-upgrade-{schema}"));
    PathBuf::from(name)
}

pub(super) fn newest_known() -> i64 {
    let versions = MIGRATIONS.iter().map(|migration| migration.version);
    versions.max().unwrap_or(0)
}

/// The schema of the file; `None` when nothing is in it.
pub(super) async fn schema(connection: &mut SqliteConnection) -> Result<Option<i64>, OpenError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(None);
    }
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?;
    Ok(newest)
}

/// Closes a connection in order, so that the log is folded into the file.
pub(super) async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}
