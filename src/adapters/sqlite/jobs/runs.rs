//! Scheduled runs after their first attempt: again when their time comes, or settled when lost.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::iden::Occurrences;
use super::super::statement::{execute, word};
use super::super::values::{self, millis};
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{JobId, OccurrenceId};
use crate::core::scheduled_run::LONGEST_WAIT;

// CROSS JOIN keeps the order of the tables in SQLite: few occurrences run, and jobs can be many.

/// The runs whose next attempt is due: ?1 is now, ?2 the channels as JSON, ?3 when no attempt can
/// be due yet. One that is due later was written by a clock that was set back since.
pub(super) const DUE: &str = "
    SELECT occurrences.id
    FROM occurrences CROSS JOIN jobs ON jobs.id = occurrences.job
    WHERE occurrences.state = 'running'
        AND (occurrences.retry_at <= ?1 OR occurrences.retry_at > ?3)
        AND jobs.channel IN (SELECT value FROM json_each(?2))
    ORDER BY occurrences.retry_at, occurrences.id";

/// When the next attempt at a run is due: ?1 are the channels as JSON.
pub(super) const NEXT: &str = "
    SELECT min(occurrences.retry_at)
    FROM occurrences CROSS JOIN jobs ON jobs.id = occurrences.job
    WHERE occurrences.state = 'running' AND jobs.channel IN (SELECT value FROM json_each(?1))";

/// What nothing will end any more: ?1 is when it must have begun.
pub(super) const LOST: &str = "
    SELECT id FROM occurrences
    WHERE state = 'running' AND retry_at IS NULL AND recorded_at <= ?1
        AND NOT EXISTS (
            SELECT 1 FROM inbox
            WHERE source = 'job' AND external_id = occurrences.id
                AND inbox.state IN ('waiting', 'running'))";

/// ?1 are the ids as JSON, ?2 is now.
const SETTLE: &str = "
    UPDATE occurrences
    SET state = CASE WHEN answered THEN 'ran' ELSE 'failed' END,
        reason = CASE WHEN answered THEN reason ELSE 'its run was lost' END,
        lease_until = NULL, recorded_at = ?2
    FROM (
        SELECT lost.value AS lost, EXISTS (
            SELECT 1 FROM inbox JOIN turns ON turns.id = inbox.turn
            WHERE inbox.source = 'job' AND inbox.external_id = lost.value
                AND turns.state = 'answered') AS answered
        FROM json_each(?1) AS lost)
    WHERE id = lost AND state = 'running'";

/// Claims one attempt: ?1 is the run, ?2 now, ?3 as in `DUE`.
const CLAIM: &str = "
    UPDATE occurrences SET attempts = attempts + 1, retry_at = NULL, recorded_at = ?2
    WHERE id = ?1 AND state = 'running' AND (retry_at <= ?2 OR retry_at > ?3)
    RETURNING attempts";

/// ?1 is the run, ?2 the number of the attempt. The job may have moved since the last one. The row keeps the turn of
/// that: it goes on.
const REQUEUE: &str = "
    UPDATE inbox
    SET state = 'waiting', done_at = NULL,
        chat = jobs.chat, thread = jobs.thread,
        incoming = json_set(incoming, '$.content.attempt', ?2,
            '$.target.chat', jobs.chat, '$.target.thread', nullif(jobs.thread, ''))
    FROM occurrences JOIN jobs ON jobs.id = occurrences.job
    WHERE occurrences.id = ?1
        AND inbox.source = 'job' AND inbox.external_id = ?1 AND inbox.state = 'done' AND json_valid(incoming)
    RETURNING channel, chat, thread";

/// Ends a run that is no JSON and so can never be put back: ?1 is the run, ?2 is now.
const END_UNREADABLE: &str = "
    UPDATE occurrences
    SET state = 'failed', reason = 'its message cannot be read', lease_until = NULL, recorded_at = ?2
    WHERE id = ?1 AND state = 'running' AND EXISTS (
        SELECT 1 FROM inbox
        WHERE source = 'job' AND external_id = ?1 AND state = 'done' AND NOT json_valid(incoming))";

/// ?1 is the run.
const CAN_GO_ON: &str = "SELECT EXISTS (SELECT 1 FROM inbox WHERE source = 'job' AND external_id = ?1 AND state = 'done')";

/// ?1 is the job, ?2 is now.
const LEAVE_THE_LINE: &str = "
    UPDATE inbox SET state = 'done', done_at = ?2
    WHERE source = 'job' AND state = 'waiting'
        AND external_id IN (SELECT id FROM occurrences WHERE job = ?1 AND state = 'running')
    RETURNING external_id";

/// Takes the runs of a job that have not begun out of the line: nobody wants them any more. Says which.
pub(super) async fn leave_the_line(
    connection: &mut SqliteConnection,
    job: JobId,
    now: DateTime<Utc>,
) -> StoreResult<Vec<i64>> {
    Ok(sqlx::query_scalar(LEAVE_THE_LINE)
        .bind(job.0)
        .bind(millis(now))
        .fetch_all(connection)
        .await?)
}

/// Ends the runs of a job that have not begun, and those that wait for another attempt.
pub(super) async fn end_all(
    connection: &mut SqliteConnection,
    job: JobId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let left = leave_the_line(&mut *connection, job, now).await?;
    let skipped = Query::update()
        .table(Occurrences::Table)
        .value(Occurrences::State, word("skipped"))
        .value(Occurrences::Reason, "cancelled")
        .value(Occurrences::RecordedAt, millis(now))
        .and_where(Expr::col(Occurrences::Id).is_in(left))
        .take();
    execute(&mut *connection, &skipped).await?;
    give_up(connection, job).await
}

/// Whether another attempt at a run can be made.
pub(super) async fn can_go_on(
    connection: &mut SqliteConnection,
    id: OccurrenceId,
) -> StoreResult<bool> {
    let found = sqlx::query_scalar(CAN_GO_ON).bind(id.0);
    Ok(found.fetch_one(connection).await?)
}

/// Ends the runs of a job that wait for another attempt.
async fn give_up(connection: &mut SqliteConnection, job: JobId) -> StoreResult<()> {
    let waiting = Query::update()
        .table(Occurrences::Table)
        .value(Occurrences::State, word("failed"))
        .value(Occurrences::RetryAt, None::<i64>)
        .and_where(Expr::col(Occurrences::Job).eq(job.0))
        .and_where(Expr::col(Occurrences::State).eq(word("running")))
        .and_where(Expr::col(Occurrences::RetryAt).is_not_null())
        .take();
    execute(connection, &waiting).await?;
    Ok(())
}

/// Puts runs whose next attempt is due back into the inbox; says where.
pub(super) async fn retry(
    connection: &mut SqliteConnection,
    due: Vec<OccurrenceId>,
    now: DateTime<Utc>,
) -> StoreResult<Vec<ChatTarget>> {
    let mut targets = Vec::new();
    for id in due {
        let attempt: Option<i64> = sqlx::query_scalar(CLAIM)
            .bind(id.0)
            .bind(millis(now))
            .bind(millis(now + LONGEST_WAIT))
            .fetch_optional(&mut *connection)
            .await?;
        let Some(attempt) = attempt else { continue };
        match requeue(&mut *connection, id, attempt).await? {
            Some(target) => targets.push(target),
            None => {
                let end = sqlx::query(END_UNREADABLE).bind(id.0).bind(millis(now));
                end.execute(&mut *connection).await?;
            }
        }
    }
    Ok(targets)
}

/// Puts a run back into the inbox of the place where its job is; `None` when it is there, or nothing is left of it.
async fn requeue(
    connection: &mut SqliteConnection,
    id: OccurrenceId,
    attempt: i64,
) -> StoreResult<Option<ChatTarget>> {
    let row: Option<(String, String, String)> = sqlx::query_as(REQUEUE)
        .bind(id.0)
        .bind(attempt)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(channel, chat, thread)| values::target(channel, chat, thread)))
}

/// Gives lost runs the receipt that fits what is known of them.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    lost: Vec<i64>,
    now: DateTime<Utc>,
) -> StoreResult<u64> {
    let settled = sqlx::query(SETTLE)
        .bind(values::to_json(&lost)?)
        .bind(millis(now))
        .execute(connection)
        .await?;
    Ok(settled.rows_affected())
}
