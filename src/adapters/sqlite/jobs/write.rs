//! Adding and deleting jobs.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, Query};
use sqlx::SqliteConnection;

use super::super::iden::Jobs;
use super::super::statement::{execute, fetch_one, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::row::{self, StoredJob};
use super::runs;
use crate::core::change::ChangeOutcome;
use crate::core::channel::{ChatKind, ChatTarget};
use crate::core::error::StoreResult;
use crate::core::ids::JobId;
use crate::core::jobs::{Job, JobLimits, JobRole, JobStatus, NewJob};

/// Adds a job, unless its chat, with all its topics, has as many active ones as it may have.
pub(in super::super) async fn add(
    connection: &mut SqliteConnection,
    job: NewJob,
    limits: JobLimits,
) -> StoreResult<ChangeOutcome> {
    let limit = limits.max_active_per_chat;
    if count_active(&mut *connection, &job.target).await? >= i64::from(limit) {
        return Ok(ChangeOutcome::TooManyJobs { limit });
    }
    let job = insert_job(connection, job).await?;
    Ok(ChangeOutcome::Job(Some(Box::new(job))))
}

/// Adds a job, whatever its chat has.
pub(super) async fn insert_job(connection: &mut SqliteConnection, job: NewJob) -> StoreResult<Job> {
    let chat_kind = match job.chat_kind {
        ChatKind::Private => "private",
        ChatKind::Group => "group",
    };
    let role = match job.role {
        JobRole::Assistant => "assistant",
        JobRole::User => "user",
    };
    let mut row = insert(
        Jobs::Table,
        [
            (Jobs::Channel, Expr::val(job.target.channel.as_str())),
            (Jobs::Chat, Expr::val(job.target.chat.as_str())),
            (Jobs::Thread, Expr::val(values::thread(&job.target))),
            (Jobs::ChatKind, word(chat_kind)),
            (Jobs::Creator, Expr::val(values::to_json(&job.creator)?)),
            (Jobs::Title, Expr::val(job.title.clone())),
            (Jobs::Content, Expr::val(job.content.as_str())),
            (Jobs::Role, word(role)),
            (Jobs::Schedule, Expr::val(values::to_json(&job.schedule)?)),
            (
                Jobs::Metadata,
                Expr::val(job.metadata.as_ref().map(values::to_json).transpose()?),
            ),
            (Jobs::Status, word("active")),
            (Jobs::NextRun, Expr::val(millis(job.next_run))),
            (Jobs::CreatedAt, Expr::val(millis(job.created_at))),
            (Jobs::UpdatedAt, Expr::val(millis(job.created_at))),
            (Jobs::Labels, Expr::val(values::to_json(&job.labels)?)),
        ],
    );
    let (id,): (i64,) = fetch_one(connection, row.returning_col(Jobs::Id)).await?;
    Ok(Job {
        id: JobId(id),
        next_run: Some(job.next_run),
        details: job,
        status: JobStatus::Active,
        last_occurrence: None,
    })
}

async fn count_active(connection: &mut SqliteConnection, target: &ChatTarget) -> StoreResult<i64> {
    let count = Query::select()
        .expr(Func::count(Expr::col(Jobs::Id)))
        .from(Jobs::Table)
        .and_where(Expr::col(Jobs::Channel).eq(target.channel.as_str()))
        .and_where(Expr::col(Jobs::Chat).eq(target.chat.as_str()))
        .and_where(Expr::col(Jobs::Status).eq(word("active")))
        .take();
    let (count,): (i64,) = fetch_one(connection, &count).await?;
    Ok(count)
}

/// Deletes a job with its receipts; returns it as it was.
pub(in super::super) async fn delete(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    id: JobId,
    now: DateTime<Utc>,
) -> StoreResult<Option<Job>> {
    let job = find(&mut *connection, Some(target), id).await?;
    if job.is_some() {
        runs::leave_the_line(&mut *connection, id, now).await?;
        let delete = Query::delete()
            .from_table(Jobs::Table)
            .and_where(Expr::col(Jobs::Id).eq(id.0))
            .take();
        execute(connection, &delete).await?;
    }
    Ok(job)
}

/// A job (of this chat, if one is named). The topic does not matter: a chat is closed to others as a
/// whole, and a list of one topic may stand in another.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    target: Option<&ChatTarget>,
    id: JobId,
) -> StoreResult<Option<Job>> {
    let mut select = row::select();
    select.and_where(Expr::col((Jobs::Table, Jobs::Id)).eq(id.0));
    if let Some(target) = target {
        let own = |column| Expr::col((Jobs::Table, column));
        select
            .and_where(own(Jobs::Channel).eq(target.channel.as_str()))
            .and_where(own(Jobs::Chat).eq(target.chat.as_str()));
    }
    let row: Option<StoredJob> = fetch_optional(connection, &select).await?;
    row.map(Job::try_from).transpose()
}
