//! What a person can do to a job.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use sqlx::SqliteConnection;

use super::super::iden::Jobs;
use super::super::statement::{execute, word};
use super::super::values::millis;
use super::{fire, runs, write};
use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::JobId;
use crate::core::jobs::{Job, JobAction, JobStatus};
use crate::core::reminder;

/// Does something to a job that can still run; returns it as it is then.
pub(in super::super) async fn act(
    connection: &mut SqliteConnection,
    target: Option<&ChatTarget>,
    id: JobId,
    action: JobAction,
    now: DateTime<Utc>,
) -> StoreResult<Option<Job>> {
    let found = write::find(&mut *connection, target, id).await;
    if let (Err(StoreError::Corrupt(_)), JobAction::Cancel) = (&found, action) {
        // Whoever does not want it need not know what it says.
        cancel(&mut *connection, id, now).await?;
        return Ok(None);
    }
    let Some(job) = found? else {
        return Ok(None);
    };
    match (action, job.status) {
        // Its last run may still wait in line, or for another attempt.
        (JobAction::Cancel, JobStatus::Completed) => {
            runs::end_all(&mut *connection, id, now).await?;
            return Ok(Some(job));
        }
        (_, JobStatus::Completed | JobStatus::Cancelled)
        | (JobAction::Resume, JobStatus::Active) => return Ok(Some(job)),
        (JobAction::RunNow, JobStatus::Active | JobStatus::Paused) => {
            let slot = reminder::run_now(&job, now);
            fire::fire_besides(&mut *connection, &job, slot, now).await?;
        }
        // One that rests because its chat is closed rests at the person's word from now on.
        (JobAction::Pause, JobStatus::Active | JobStatus::Paused) => {
            let paused = change(id, now).value(Jobs::Status, word("paused")).take();
            execute(&mut *connection, &paused).await?;
        }
        (JobAction::Resume, JobStatus::Paused) => {
            let next = job.details.schedule.next_after(now);
            let status = if next.is_some() {
                "active"
            } else {
                "completed"
            };
            let resumed = change(id, now)
                .value(Jobs::Status, word(status))
                .value(Jobs::NextRun, next.map(millis))
                .take();
            execute(&mut *connection, &resumed).await?;
        }
        (JobAction::Cancel, JobStatus::Active | JobStatus::Paused) => {
            cancel(&mut *connection, id, now).await?;
        }
    }
    write::find(connection, target, id).await
}

async fn cancel(
    connection: &mut SqliteConnection,
    id: JobId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let cancelled = change(id, now)
        .value(Jobs::Status, word("cancelled"))
        .value(Jobs::NextRun, None::<i64>)
        .take();
    execute(&mut *connection, &cancelled).await?;
    runs::end_all(connection, id, now).await
}

fn change(id: JobId, now: DateTime<Utc>) -> UpdateStatement {
    Query::update()
        .table(Jobs::Table)
        .value(Jobs::UpdatedAt, millis(now))
        .value(Jobs::ClosedAt, None::<i64>)
        .and_where(Expr::col(Jobs::Id).eq(id.0))
        .take()
}
