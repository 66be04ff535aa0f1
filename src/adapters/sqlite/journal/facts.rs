//! Writing what happened in a turn, with what it cost and who answers for it.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, Query};
use sqlx::SqliteConnection;

use super::super::iden::{Inbox, TurnFacts};
use super::super::statement::{execute, fetch_one, fetch_optional, insert};
use super::super::values::{self, millis};
use super::super::{audit, usage};
use super::load::TurnPlace;
use crate::core::audit::{AuditEntry, AuditedCall};
use crate::core::error::StoreResult;
use crate::core::ids::UserId;
use crate::core::turn::Fact;
use crate::core::usage::CallPurpose;

/// Appends facts, and books the model calls among them.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    place: &TurnPlace,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let last = Query::select()
        .expr(Func::coalesce([
            Expr::col(TurnFacts::Seq).max(),
            Expr::val(0),
        ]))
        .from(TurnFacts::Table)
        .and_where(Expr::col(TurnFacts::Turn).eq(place.turn.0))
        .take();
    let (last,): (i64,) = fetch_one(&mut *connection, &last).await?;
    for (seq, fact) in (last + 1..).zip(facts) {
        let row = insert(
            TurnFacts::Table,
            [
                (TurnFacts::Turn, Expr::val(place.turn.0)),
                (TurnFacts::Seq, Expr::val(seq)),
                (TurnFacts::Fact, Expr::val(values::to_json(fact)?)),
                (TurnFacts::CreatedAt, Expr::val(millis(now))),
            ],
        );
        execute(&mut *connection, &row).await?;
        let cost = match fact {
            Fact::ModelReplied { reply } => &reply.usage,
            Fact::ModelFailed { error } => &error.usage,
            _ => continue,
        };
        let purpose = (CallPurpose::Turn, Some(place.turn));
        usage::book(&mut *connection, purpose, cost, now).await?;
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
            turn: place.turn,
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
