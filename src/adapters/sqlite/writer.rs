//! The one task that writes: what waits together is committed together (group commit).

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::mpsc;

use crate::core::error::{StoreError, StoreResult};

/// The most writes in one commit: bounds what one failing commit takes with it.
const BATCH: usize = 128;

/// A piece of work on the writing connection.
pub(super) type Job = Box<
    dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (Result<(), ()>, Reply)> + Send,
>;

/// Tells the caller how the commit went. Dropped, it tells that the work was lost.
pub(super) type Reply = Box<dyn FnOnce(StoreResult<()>) + Send>;

/// The writing task. It ends when no handle of the database is left.
#[derive(Debug)]
pub struct WriterTask {
    connection: SqliteConnection,
    queue: mpsc::Receiver<Job>,
}

impl WriterTask {
    pub(super) fn new(connection: SqliteConnection, queue: mpsc::Receiver<Job>) -> Self {
        Self { connection, queue }
    }

    /// Writes until the last handle is gone, then closes the database.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            let mut replies = Vec::with_capacity(batch.len());
            let committed = self.commit(&mut batch, &mut replies).await;
            if let Err(error) = &committed {
                tracing::error!(%error, "a write failed");
                // A failed COMMIT can leave the transaction open; there is nothing to undo
                // when it did not.
                let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
            }
            batch.clear();
            for reply in replies {
                reply(committed.clone());
            }
        }
        super::database::close(self.connection).await;
    }

    async fn commit(&mut self, batch: &mut Vec<Job>, replies: &mut Vec<Reply>) -> StoreResult<()> {
        self.execute("BEGIN IMMEDIATE").await?;
        if batch.len() == 1
            && let Some(job) = batch.pop()
        {
            // The transaction is its own: it needs no savepoint.
            return match self.work(job, replies).await {
                Ok(()) => self.execute("COMMIT").await,
                Err(()) => self.execute("ROLLBACK").await,
            };
        }
        for job in batch.drain(..) {
            self.execute("SAVEPOINT one").await?;
            if self.work(job, replies).await.is_err() {
                self.execute("ROLLBACK TO one").await?;
            }
            self.execute("RELEASE one").await?;
        }
        self.execute("COMMIT").await
    }

    /// A panic in one piece of work must not end the writer; its caller sees the reply dropped.
    async fn work(&mut self, job: Job, replies: &mut Vec<Reply>) -> Result<(), ()> {
        let done = AssertUnwindSafe(job(&mut self.connection)).catch_unwind();
        let (outcome, reply) = done.await.map_err(|_| ())?;
        replies.push(reply);
        outcome
    }

    async fn execute(&mut self, statement: &'static str) -> StoreResult<()> {
        sqlx::query(statement)
            .execute(&mut self.connection)
            .await
            .map_err(StoreError::from)?;
        Ok(())
    }
}
