//! Writing what happened in a turn, with what it cost and who answers for it.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::iden::{Inbox, TurnFacts};
use super::super::statement::{Batch, fetch_optional, insert};
use super::super::values::{self, millis};
use super::super::{audit, usage};
use super::load::TurnPlace;
use crate::core::audit::{AuditEntry, AuditedCall};
use crate::core::error::StoreResult;
use crate::core::ids::UserId;
use crate::core::turn::Fact;
use crate::core::usage::CallPurpose;

/// Adds the statements that append facts and book the model calls among them.
pub(super) fn append(
    batch: &mut Batch,
    place: &TurnPlace,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    for (seq, fact) in (place.last_seq + 1..).zip(facts) {
        let row = insert(
            TurnFacts::Table,
            [
                (TurnFacts::Turn, Expr::val(place.turn.0)),
                (TurnFacts::Seq, Expr::val(seq)),
                (TurnFacts::Fact, Expr::val(values::to_json(fact)?)),
                (TurnFacts::CreatedAt, Expr::val(millis(now))),
            ],
        );
        batch.add(&row);
        let cost = match fact {
            Fact::ModelReplied { reply } => &reply.usage,
            Fact::ModelFailed { error } => &error.usage,
            _ => continue,
        };
        let purpose = (CallPurpose::Turn, Some(place.turn));
        usage::book(batch, purpose, cost, now);
    }
    Ok(())
}

/// Writes finished calls into the audit log.
pub(super) async fn audit(
    connection: &mut SqliteConnection,
    place: &TurnPlace,
    calls: Vec<AuditedCall>,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let user = user_of(&mut *connection, place).await?;
    for call in calls {
        let entry = AuditEntry {
            at: now,
            chat: place.target.chat.clone(),
            user: user.clone(),
            turn: Some(place.turn),
            tool: call.tool,
            arguments_hash: call.arguments.hash,
            arguments: call.arguments.redacted,
            verdict: call.verdict.to_owned(),
            rule: call.rule,
            outcome: call.outcome,
        };
        audit::append(&mut *connection, &place.target.channel, &entry).await?;
    }
    Ok(())
}

/// Whose turn it is: who sent what it answers.
async fn user_of(connection: &mut SqliteConnection, place: &TurnPlace) -> StoreResult<UserId> {
    let sender = Query::select()
        .column(Inbox::Sender)
        .from(Inbox::Table)
        .and_where(Expr::col(Inbox::Turn).eq(place.turn.0))
        .limit(1)
        .take();
    let sender: Option<(String,)> = fetch_optional(connection, &sender).await?;
    Ok(UserId::new(
        sender.map(|(sender,)| sender).unwrap_or_default(),
    ))
}
