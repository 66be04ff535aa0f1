//! What presses below cards change: each card takes one answer.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::iden::Occurrences;
use super::super::statement::{execute, fetch_optional, word};
use super::super::values::{self, millis};
use super::row::{self, StoredJob};
use super::{runs, write};
use crate::core::card::{self, Reacted, Reaction};
use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::OccurrenceId;
use crate::core::jobs::{Job, Occurrence, OccurrenceState};
use crate::core::reminder;

/// Writes the answer to a card, and with it the job that a snoozed one comes back as.
pub(in super::super) async fn answer_card(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    id: OccurrenceId,
    reaction: Reaction,
    now: DateTime<Utc>,
) -> StoreResult<Reacted> {
    let (job, occurrence) = match find(&mut *connection, target, id).await? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    if occurrence.reaction.is_some() {
        return Ok(Reacted::Already(Box::new(occurrence)));
    }
    let answer = Query::update()
        .table(Occurrences::Table)
        .value(Occurrences::Reaction, values::to_json(&reaction)?)
        .and_where(Expr::col(Occurrences::Id).eq(id.0))
        .take();
    execute(&mut *connection, &answer).await?;
    if let Reaction::Snoozed { until } = reaction {
        let again = reminder::snoozed(&job, until, now)
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        write::insert_job(connection, again).await?;
    }
    Ok(Reacted::Now(Box::new(job)))
}

/// Makes another attempt at a failed run due, its first one.
pub(in super::super) async fn retry_run(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    id: OccurrenceId,
    now: DateTime<Utc>,
) -> StoreResult<Reacted> {
    let (job, occurrence) = match find(&mut *connection, target, id).await? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    if occurrence.state != OccurrenceState::Failed {
        return Ok(Reacted::Already(Box::new(occurrence)));
    }
    if !runs::can_go_on(&mut *connection, id).await? {
        return Ok(Reacted::Unknown);
    }
    let running = Query::update()
        .table(Occurrences::Table)
        .value(Occurrences::State, word("running"))
        .value(Occurrences::Reason, None::<String>)
        .value(Occurrences::Attempts, 0)
        .value(Occurrences::RetryAt, millis(now))
        .value(Occurrences::RecordedAt, millis(now))
        .and_where(Expr::col(Occurrences::Id).eq(id.0))
        .take();
    execute(connection, &running).await?;
    Ok(Reacted::Now(Box::new(job)))
}

/// The job of a slot and its receipt, or why it is not for this chat.
async fn find(
    connection: &mut SqliteConnection,
    target: &ChatTarget,
    id: OccurrenceId,
) -> StoreResult<Result<(Job, Occurrence), Reacted>> {
    let row: Option<StoredJob> = fetch_optional(connection, &row::select_by_occurrence(id)).await?;
    let job = row.map(Job::try_from).transpose()?;
    if let Some(refused) = card::refusal(job.as_ref(), target) {
        return Ok(Err(refused));
    }
    let found = job.and_then(|job| {
        let occurrence = job.last_occurrence.clone()?;
        Some((job, occurrence))
    });
    Ok(found.ok_or(Reacted::Unknown))
}
