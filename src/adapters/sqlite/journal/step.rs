//! Writing a step of a turn.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::super::statement::Batch;
use super::super::{approvals, change};
use super::load::{TurnPlace, find_running};
use super::{answer, facts};
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::TurnId;
use crate::core::journal::{AskedChange, JournalEntry, OpenAnswer};
use crate::core::tool::FinishedCall;
use crate::core::turn::Fact;

/// Writes what happened and what is said of it.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    turn: TurnId,
    entry: JournalEntry,
    now: DateTime<Utc>,
) -> StoreResult<OpenAnswer> {
    let JournalEntry {
        facts,
        finished_calls,
        question,
        said,
    } = entry;
    let place = running(&mut *connection, turn).await?;
    write(&mut *connection, &place, &facts, now).await?;
    facts::audit(&mut *connection, &place, finished_calls, now).await?;
    if let Some(question) = question {
        approvals::ask(&mut *connection, &place, question).await?;
    }
    match answer::say(&mut *connection, &place, said, now).await? {
        Some(open) => Ok(open),
        None => answer::open(connection, turn, &place.target, now).await,
    }
}

/// Makes the change and writes the result that describes it.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    turn: TurnId,
    asked: AskedChange,
    now: DateTime<Utc>,
) -> StoreResult<FinishedCall> {
    let AskedChange {
        call,
        audit,
        change,
        describe,
    } = asked;
    let place = running(&mut *connection, turn).await?;
    let outcome = change::apply(&mut *connection, change, now).await?;
    let labels = outcome.labels();
    let result = describe(outcome);
    let facts = [Fact::ToolFinished {
        call: call.id,
        result: result.clone(),
        labels: labels.clone(),
    }];
    write(&mut *connection, &place, &facts, now).await?;
    facts::audit(connection, &place, vec![audit(&result)], now).await?;
    Ok(FinishedCall { result, labels })
}

async fn write(
    connection: &mut SqliteConnection,
    place: &TurnPlace,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut batch = Batch::default();
    facts::append(&mut batch, place, facts, now)?;
    batch.execute(connection).await
}

async fn running(connection: &mut SqliteConnection, turn: TurnId) -> StoreResult<TurnPlace> {
    find_running(connection, turn)
        .await?
        .ok_or_else(|| StoreError::Failed(format!("turn {turn} does not run")))
}
