//! The one task that writes: what waits together is committed together (group commit).

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::statement::Batch;
use crate::core::error::{StoreError, StoreResult};

/// The most writes in one commit: bounds what one failing commit takes with it.
const BATCH: usize = 128;

/// A piece of work, and what its commit must outlive.
pub(super) struct Job {
    pub(super) durability: Durability,
    pub(super) work: Work,
}

/// What is done on the writing connection.
pub(super) enum Work {
    /// One step after the other.
    Steps(Steps),
    /// Statements that return ids. Alone they are a transaction in one go.
    Statements(Batch, oneshot::Sender<StoreResult<Vec<i64>>>),
}

/// Work of which each step needs what came of the one before; where there is no transaction for it,
/// it gets the reason and passes it on.
pub(super) type Steps = Box<
    dyn for<'c> FnOnce(
            StoreResult<&'c mut SqliteConnection>,
        ) -> BoxFuture<'c, (StoreResult<()>, Reply)>
        + Send,
>;

/// What a commit must outlive. Commits reach the disk in their order, so that what is there never
/// lacks anything that was written before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// The end of this process: it is with the kernel.
    Process,
    /// The loss of power: it is on the disk.
    Disk,
}

impl Durability {
    /// Takes effect when it is compiled (SQLite, "PRAGMA"): it must not come from the statement
    /// cache.
    fn setting(self) -> &'static str {
        match self {
            Self::Process => "PRAGMA synchronous = NORMAL",
            Self::Disk => "PRAGMA synchronous = FULL",
        }
    }
}

/// Tells the caller how the commit went. Dropped, it tells that the work was lost.
pub(super) type Reply = Box<dyn FnOnce(StoreResult<()>) + Send>;

/// Answers with `result` once it is committed.
pub(super) fn reply_with<T: Send + 'static>(
    result: StoreResult<T>,
    answer: oneshot::Sender<StoreResult<T>>,
) -> Reply {
    Box::new(move |committed| {
        // The caller may have stopped waiting; the work is done all the same.
        let _ = answer.send(result.and_then(|value| committed.map(|()| value)));
    })
}

/// How a piece of work went, without what came of it.
pub(super) fn outcome<T>(result: &StoreResult<T>) -> StoreResult<()> {
    result.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The writing task. It ends when no handle of the database is left.
#[derive(Debug)]
pub struct WriterTask {
    connection: SqliteConnection,
    queue: mpsc::Receiver<Job>,
    /// What a commit outlives now; `None` when that is not known.
    durability: Option<Durability>,
    health: Health,
}

/// Whether the last commit failed for want of room or of the lock, so that each change is told once.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Health {
    #[default]
    Well,
    Failing,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Committed,
    RolledBack,
}

impl WriterTask {
    pub(super) fn new(connection: SqliteConnection, queue: mpsc::Receiver<Job>) -> Self {
        Self {
            connection,
            queue,
            durability: None,
            health: Health::default(),
        }
    }

    /// Writes until the last handle is gone, then closes the database.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            let mut replies = Vec::with_capacity(batch.len());
            let ended = self.commit(&mut batch, &mut replies).await;
            self.tell(&ended);
            let committed = ended.map(|_| ());
            if committed.is_err() {
                // A failed COMMIT can leave the transaction open; there is nothing to undo
                // when it did not.
                let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
            }
            if let Err(error) = &committed {
                for job in batch.drain(..) {
                    refuse(job.work, error.clone()).await;
                }
            }
            for reply in replies {
                reply(committed.clone());
            }
        }
        super::database::close(self.connection).await;
    }

    /// Whoever runs this is told once that it fails and what to do, and once that it works again.
    fn tell(&mut self, ended: &StoreResult<Ended>) {
        let error = match ended {
            Ok(Ended::RolledBack) => return,
            Ok(Ended::Committed) => {
                if std::mem::take(&mut self.health) == Health::Failing {
                    tracing::info!("the database can be written again");
                }
                return;
            }
            Err(error) => error,
        };
        let advice = match error {
            StoreError::Full(_) => {
                "the disk is full; make room, or look at the disk where there is some"
            }
            StoreError::Busy(_) => "another program holds it; end that",
            StoreError::Corrupt(_) | StoreError::Failed(_) => {
                tracing::error!(%error, "a write failed");
                return;
            }
        };
        match std::mem::replace(&mut self.health, Health::Failing) {
            Health::Failing => tracing::debug!(%error, "a write failed"),
            Health::Well => {
                tracing::error!(
                    %error,
                    "the database cannot be written: {advice}. What waits goes on by itself then"
                );
            }
        }
    }

    async fn commit(
        &mut self,
        batch: &mut Vec<Job>,
        replies: &mut Vec<Reply>,
    ) -> StoreResult<Ended> {
        let durability = batch.iter().map(|job| job.durability).max();
        let durability = durability.unwrap_or(Durability::Disk);
        if let [job] = batch.as_slice() {
            // Statements that are alone begin their transaction themselves.
            if matches!(job.work, Work::Steps(_)) {
                self.begin(durability).await?;
            }
            if let Some(job) = batch.pop() {
                return self.commit_alone(job.work, durability, replies).await;
            }
        }
        self.begin(durability).await?;
        self.execute("SAVEPOINT one").await?;
        // What has not had its turn when something fails is left in the batch.
        batch.reverse();
        while let Some(job) = batch.pop() {
            if let Err(error) = self.work(job.work, replies).await {
                self.undo("ROLLBACK TO one", error).await?;
            }
            self.execute(match batch.len() {
                0 => "RELEASE one; COMMIT",
                _ => "RELEASE one; SAVEPOINT one",
            })
            .await?;
        }
        Ok(Ended::Committed)
    }

    /// The transaction is its own: it needs no savepoint.
    async fn commit_alone(
        &mut self,
        work: Work,
        durability: Durability,
        replies: &mut Vec<Reply>,
    ) -> StoreResult<Ended> {
        match work {
            Work::Statements(batch, answer) => {
                let ids = match self.ensure(durability).await {
                    Ok(()) => batch.in_transaction().ids(&mut self.connection).await,
                    Err(error) => Err(error),
                };
                let outcome = outcome(&ids);
                replies.push(reply_with(ids, answer));
                outcome.map(|()| Ended::Committed)
            }
            Work::Steps(_) => match self.work(work, replies).await {
                Ok(()) => self.execute("COMMIT").await.map(|()| Ended::Committed),
                Err(error) => {
                    let undone = self.undo("ROLLBACK", error).await;
                    undone.map(|()| Ended::RolledBack)
                }
            },
        }
    }

    /// Undoes one piece of work. Without room or the lock none of what is done together can be
    /// committed; and an error may have ended the transaction by itself (SQLite, "Response To Errors
    /// Within A Transaction"), so that there is nothing left to go back to.
    async fn undo(&mut self, rollback: &'static str, error: StoreError) -> StoreResult<()> {
        if error.passes() {
            return Err(error);
        }
        self.execute(rollback).await.map_err(|_| error)
    }

    /// A panic in one piece of work must not end the writer; its caller sees the reply dropped.
    async fn work(&mut self, work: Work, replies: &mut Vec<Reply>) -> StoreResult<()> {
        let (outcome, reply) = match work {
            Work::Steps(steps) => {
                let done = AssertUnwindSafe(steps(Ok(&mut self.connection))).catch_unwind();
                let panicked = |_| StoreError::Failed("a write broke down".into());
                done.await.map_err(panicked)?
            }
            Work::Statements(batch, answer) => {
                let ids = batch.ids(&mut self.connection).await;
                (outcome(&ids), reply_with(ids, answer))
            }
        };
        replies.push(reply);
        outcome
    }

    async fn begin(&mut self, durability: Durability) -> StoreResult<()> {
        self.ensure(durability).await?;
        self.execute("BEGIN IMMEDIATE").await
    }

    /// Between two transactions.
    async fn ensure(&mut self, durability: Durability) -> StoreResult<()> {
        if self.durability == Some(durability) {
            return Ok(());
        }
        self.durability = None;
        sqlx::raw_sql(durability.setting())
            .execute(&mut self.connection)
            .await?;
        self.durability = Some(durability);
        Ok(())
    }

    async fn execute(&mut self, statement: &'static str) -> StoreResult<()> {
        sqlx::query(statement)
            .execute(&mut self.connection)
            .await
            .map_err(StoreError::from)?;
        Ok(())
    }
}

/// Tells whoever waits for work that there is no transaction for it.
async fn refuse(work: Work, error: StoreError) {
    match work {
        Work::Steps(steps) => {
            let (_, reply) = steps(Err(error)).await;
            reply(Ok(()));
        }
        Work::Statements(_, answer) => {
            // The caller may have stopped waiting.
            let _ = answer.send(Err(error));
        }
    }
}
