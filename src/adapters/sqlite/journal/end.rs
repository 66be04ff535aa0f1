//! Ending a turn.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::approvals;
use super::super::iden::{Conversations, Inbox, Items, Occurrences, Turns};
use super::super::statement::{Batch, insert, word};
use super::super::values::{self, millis};
use super::load::{Asks, TurnPlace, find_running};
use super::{answer, facts};
use crate::core::conversation::Item;
use crate::core::error::StoreResult;
use crate::core::ids::TurnId;
use crate::core::jobs::OccurrenceState;
use crate::core::journal::{Receipt, TurnEnd, TurnState};
use crate::core::label::Labels;

/// Writes how a turn ended. A turn that does not run has ended before, and stays as it is.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    turn: TurnId,
    end: TurnEnd,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let Some(place) = find_running(&mut *connection, turn).await? else {
        return Ok(());
    };
    facts::audit(&mut *connection, &place, end.finished_calls, now).await?;
    if place.asks == Asks::Something {
        approvals::close_all(&mut *connection, turn, now).await?;
    }
    let mut batch = Batch::default();
    facts::append(&mut batch, &place, &end.facts, now)?;
    add_items(&mut batch, &place, &end.items, now)?;
    mark(&mut batch, &place, &end.items)?;
    match answer::only_part(&place, &end.said)? {
        Some(answer) => batch.add(&answer),
        None => {
            if let Some(open) = answer::say(&mut *connection, &place, end.said, now).await? {
                answer::withdraw(&mut *connection, &open, now).await?;
            }
        }
    }
    let state = match end.state {
        TurnState::Answered => "answered",
        TurnState::Failed => "failed",
        TurnState::Stopped => "stopped",
    };
    let turns = Query::update()
        .table(Turns::Table)
        .values([
            (Turns::State, word(state)),
            (Turns::EndedAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Turns::Id).eq(turn.0))
        .take();
    batch.add(&turns);
    let inbox = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("done")),
            (Inbox::DoneAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Inbox::Turn).eq(turn.0))
        .take();
    batch.add(&inbox);
    if let Some(receipt) = end.receipt {
        sign(&mut batch, receipt, now);
    }
    batch.execute(connection).await
}

fn add_items(
    batch: &mut Batch,
    place: &TurnPlace,
    items: &[Item],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    for item in items {
        let role = match item {
            Item::User { .. } => "user",
            Item::Assistant { .. } => "assistant",
            Item::Tool { .. } => "tool",
        };
        let row = insert(
            Items::Table,
            [
                (Items::Conversation, Expr::val(place.conversation.0)),
                (Items::Turn, Expr::val(place.turn.0)),
                (Items::Role, Expr::val(role)),
                (Items::Item, Expr::val(values::to_json(item)?)),
                (Items::CreatedAt, Expr::val(millis(now))),
            ],
        );
        batch.add(&row);
    }
    Ok(())
}

/// Adds to the conversation the labels of what was said in it now.
fn mark(batch: &mut Batch, place: &TurnPlace, items: &[Item]) -> StoreResult<()> {
    let labels: Labels = items.iter().map(Item::labels).collect();
    if labels.is_empty() {
        return Ok(());
    }
    let mut all = values::labels(&place.labels, ("conversations", place.conversation.0));
    all.join(&labels);
    let update = Query::update()
        .table(Conversations::Table)
        .value(Conversations::Labels, values::to_json(&all)?)
        .and_where(Expr::col(Conversations::Id).eq(place.conversation.0))
        .take();
    batch.add(&update);
    Ok(())
}

/// Records how the scheduled run went that the turn was.
fn sign(batch: &mut Batch, receipt: Receipt, now: DateTime<Utc>) {
    let state = match receipt.state {
        OccurrenceState::Running => "running",
        OccurrenceState::Ran => "ran",
        OccurrenceState::Late => "late",
        OccurrenceState::Skipped => "skipped",
        OccurrenceState::Failed => "failed",
    };
    let update = Query::update()
        .table(Occurrences::Table)
        .values([
            (Occurrences::State, word(state)),
            (Occurrences::Reason, Expr::val(receipt.reason)),
            (Occurrences::LeaseUntil, Expr::val(None::<i64>)),
            (
                Occurrences::RetryAt,
                Expr::val(receipt.retry_at.map(millis)),
            ),
            (Occurrences::RecordedAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Occurrences::Id).eq(receipt.occurrence.0))
        .take();
    batch.add(&update);
}
