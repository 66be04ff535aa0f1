//! The scheduled jobs and the receipts of their runs.

mod act;
mod answers;
mod fire;
mod row;
mod runs;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Condition, Expr, ExprTrait, Func, NullOrdering, Order, Query, SelectStatement};

pub(super) use self::act::act;
pub(super) use self::answers::{answer_card, retry_run};
use self::row::StoredJob;
pub(super) use self::write::{add, delete};
use super::database::Database;
use super::iden::Jobs;
use super::outbox;
use super::statement::{at, execute, fetch_all, fetch_one, fetch_optional, word};
use super::values::{self, millis};
use crate::core::channel::ChatTarget;
use crate::core::clock::Clock;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{ChannelName, JobId, OccurrenceId};
use crate::core::jobs::{Firing, Job, JobAction, JobFilter, JobPage, JobStatusFilter, JobStore};
use crate::core::scheduled_run::LONGEST_WAIT;

/// The columns that tell where a job delivers.
const PLACE: [Jobs; 3] = [Jobs::Channel, Jobs::Chat, Jobs::Thread];

/// The jobs in the database.
#[derive(Debug, Clone)]
pub struct SqliteJobStore {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl SqliteJobStore {
    /// The jobs of a database; `clock` says when they are changed.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// A job that cannot be read must not hold back the others. It rests as those do whose chat is closed: the next
    /// message that arrives there lets it be tried again, by a version that can read it perhaps.
    async fn rest(&self, id: i64, error: &StoreError) -> StoreResult<()> {
        tracing::error!(job.id = id, %error, "a job rests: its row is unreadable");
        let now = self.clock.now();
        let rest = Query::update()
            .table(Jobs::Table)
            .value(Jobs::Status, word("paused"))
            .value(Jobs::ClosedAt, millis(now))
            .value(Jobs::UpdatedAt, millis(now))
            .and_where(Expr::col(Jobs::Id).eq(id))
            .and_where(Expr::col(Jobs::Status).eq(word("active")))
            .take();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    if execute(&mut *connection, &rest).await? == 0 {
                        return Ok(());
                    }
                    let row: Option<StoredJob> = fetch_optional(&mut *connection, &one(id)).await?;
                    if let Some(row) = row {
                        outbox::insert(connection, &row.unreadable(), None, now).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

#[async_trait]
impl JobStore for SqliteJobStore {
    async fn next_due_at(&self, channels: &[ChannelName]) -> StoreResult<Option<DateTime<Utc>>> {
        let next = Query::select()
            .expr(Func::min(Expr::col(Jobs::NextRun)))
            .from(Jobs::Table)
            .and_where(Expr::col(Jobs::Status).eq(word("active")))
            .and_where(Expr::col(Jobs::Channel).is_in(names(channels)))
            .take();
        let (next,): (Option<i64>,) = fetch_one(self.database.reader(), &next).await?;
        let again: Option<i64> = sqlx::query_scalar(runs::NEXT)
            .bind(values::to_json(&names(channels))?)
            .fetch_one(self.database.reader())
            .await?;
        let first = next.into_iter().chain(again).min();
        first.map(values::moment).transpose()
    }

    async fn list_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<Vec<Job>> {
        let due = row::select()
            .and_where(Expr::col((Jobs::Table, Jobs::Status)).eq(word("active")))
            .and_where(Expr::col((Jobs::Table, Jobs::NextRun)).lte(millis(now)))
            .and_where(Expr::col((Jobs::Table, Jobs::Channel)).is_in(names(channels)))
            .order_by((Jobs::Table, Jobs::NextRun), Order::Asc)
            .order_by((Jobs::Table, Jobs::Id), Order::Asc)
            .limit(limit.into())
            .take();
        let rows: Vec<StoredJob> = fetch_all(self.database.reader(), &due).await?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id();
            match Job::try_from(row) {
                Ok(job) => jobs.push(job),
                Err(error) => self.rest(id, &error).await?,
            }
        }
        Ok(jobs)
    }

    async fn fire(&self, firings: Vec<Firing>, now: DateTime<Utc>) -> StoreResult<Vec<ChatTarget>> {
        self.database
            .write(move |connection| Box::pin(fire::fire(connection, firings, now)))
            .await
    }

    async fn get(&self, id: JobId) -> StoreResult<Option<Job>> {
        let row: Option<StoredJob> = fetch_optional(self.database.reader(), &one(id.0)).await?;
        row.map(Job::try_from).transpose()
    }

    async fn list(&self, filter: JobFilter) -> StoreResult<JobPage> {
        let shown = shown(&filter);
        let total = Query::select()
            .expr(Func::count(Expr::col(Jobs::Id)))
            .from(Jobs::Table)
            .cond_where(shown.clone())
            .take();
        let (total,): (i64,) = fetch_one(self.database.reader(), &total).await?;
        let page = row::select()
            .cond_where(shown)
            .order_by_with_nulls((Jobs::Table, Jobs::NextRun), Order::Asc, NullOrdering::Last)
            .order_by((Jobs::Table, Jobs::Id), Order::Asc)
            .limit(filter.limit.into())
            .offset(filter.offset.into())
            .take();
        let rows: Vec<StoredJob> = fetch_all(self.database.reader(), &page).await?;
        // One that does not read must not hide the others.
        let readable = |row| {
            Job::try_from(row)
                .inspect_err(|error| tracing::error!(%error, "a job is left out of a list"))
                .ok()
        };
        let count = rows.len();
        let jobs: Vec<Job> = rows.into_iter().filter_map(readable).collect();
        let left_out = (count - jobs.len()) as u64;
        Ok(JobPage {
            total: total.unsigned_abs().saturating_sub(left_out),
            jobs,
        })
    }

    async fn act(
        &self,
        target: Option<&ChatTarget>,
        id: JobId,
        action: JobAction,
    ) -> StoreResult<Option<Job>> {
        let target = target.cloned();
        let now = self.clock.now();
        self.database
            .write(move |connection| {
                Box::pin(
                    async move { act::act(connection, target.as_ref(), id, action, now).await },
                )
            })
            .await
    }

    async fn retry_due(
        &self,
        channels: &[ChannelName],
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<ChatTarget>> {
        let due: Vec<(i64,)> = sqlx::query_as(runs::DUE)
            .bind(millis(now))
            .bind(values::to_json(&names(channels))?)
            .bind(millis(now + LONGEST_WAIT))
            .fetch_all(self.database.reader())
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let due = due.into_iter().map(|(id,)| OccurrenceId(id)).collect();
        self.database
            .write(move |connection| Box::pin(runs::retry(connection, due, now)))
            .await
    }

    async fn settle_lost(&self, before: DateTime<Utc>) -> StoreResult<u64> {
        let lost: Vec<i64> = sqlx::query_scalar(runs::LOST)
            .bind(millis(before))
            .fetch_all(self.database.reader())
            .await?;
        if lost.is_empty() {
            return Ok(0);
        }
        let now = self.clock.now();
        self.database
            .write(move |connection| Box::pin(runs::settle(connection, lost, now)))
            .await
    }
}

fn one(id: i64) -> SelectStatement {
    row::select()
        .and_where(Expr::col((Jobs::Table, Jobs::Id)).eq(id))
        .take()
}

fn shown(filter: &JobFilter) -> Condition {
    let status = || Expr::col((Jobs::Table, Jobs::Status));
    let shown = match filter.status {
        JobStatusFilter::Active => Some(status().eq(word("active"))),
        JobStatusFilter::Open => Some(status().is_in([word("active"), word("paused")])),
        JobStatusFilter::Any => None,
    };
    Condition::all()
        .add_option(filter.target.as_ref().map(|target| at(PLACE, target)))
        .add_option(shown)
}

fn names(channels: &[ChannelName]) -> Vec<&str> {
    channels.iter().map(ChannelName::as_str).collect()
}
