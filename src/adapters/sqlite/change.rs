//! Changes that a tool asks for, in the transaction of its result.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::iden::Items;
use super::statement::{execute, fetch_one, fetch_optional, word};
use super::{approvals, jobs, notes, outbox, summaries, usage};
use crate::core::change::{Change, ChangeOutcome};
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::ConversationId;
use crate::core::jobs::Job;

/// Makes a change.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    change: Change,
    now: DateTime<Utc>,
) -> StoreResult<ChangeOutcome> {
    match change {
        Change::AddJob { job, limits } => jobs::add(connection, job, limits).await,
        Change::ActOnJob {
            target,
            job,
            action,
        } => found(jobs::act(connection, Some(&target), job, action, now).await),
        Change::DeleteJob { target, job } => {
            found(jobs::delete(connection, &target, job, now).await)
        }
        Change::AnswerCard {
            target,
            occurrence,
            reaction,
        } => Ok(ChangeOutcome::Reacted(
            jobs::answer_card(connection, &target, occurrence, reaction, now).await?,
        )),
        Change::RetryRun { target, occurrence } => Ok(ChangeOutcome::Reacted(
            jobs::retry_run(connection, &target, occurrence, now).await?,
        )),
        Change::SaveNote(note) => {
            let note = notes::save(connection, note, now).await?;
            Ok(ChangeOutcome::Note(Box::new(note)))
        }
        Change::DeleteNote { owner, selector } => Ok(ChangeOutcome::Deleted(
            notes::delete(connection, &owner, &selector, now).await?,
        )),
        Change::SendFile { target, file } => {
            outbox::send_file(connection, target, *file, now).await?;
            Ok(ChangeOutcome::Queued)
        }
        Change::AnswerApproval { answered, line } => Ok(ChangeOutcome::ApprovalAnswered(
            approvals::answer(connection, answered, line, now).await?,
        )),
        Change::RevokeRule { target, rule, by } => Ok(ChangeOutcome::RuleRevoked(
            approvals::revoke(connection, (&target, &by), rule, now).await?,
        )),
        Change::RaiseBudget { amount } => {
            usage::raise(connection, amount, now).await?;
            Ok(ChangeOutcome::BudgetRaised { amount })
        }
        Change::TrimHistory { conversation, keep } => {
            let Trimmed { removed, remaining } =
                trim(&mut *connection, conversation, keep, LongTurn::Goes).await?;
            if removed > 0 {
                // A person who has something forgotten does not want to find it in the summary.
                summaries::forget(connection, conversation).await?;
            }
            Ok(ChangeOutcome::Trimmed { removed, remaining })
        }
    }
}

/// A job that cannot be read is none that can be acted on: the turn which asks for that must not break over it.
fn found(job: StoreResult<Option<Job>>) -> StoreResult<ChangeOutcome> {
    match job {
        Err(error @ StoreError::Corrupt(_)) => {
            tracing::error!(%error, "a job cannot be acted on");
            Ok(ChangeOutcome::Job(None))
        }
        job => Ok(ChangeOutcome::Job(job?.map(Box::new))),
    }
}

/// How many items went and stayed.
pub(super) struct Trimmed {
    pub(super) removed: u64,
    remaining: u64,
}

/// What becomes of a newest turn that is longer than what is to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LongTurn {
    /// It goes: the person wants less to be there.
    Goes,
    /// It stays: something must be known of what was just said.
    Stays,
}

/// Deletes the oldest items. What remains begins where a turn begins, at a user item.
pub(super) async fn trim(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    keep: u64,
    long_turn: LongTurn,
) -> StoreResult<Trimmed> {
    let before = count(&mut *connection, conversation).await?;
    if before <= keep {
        return Ok(Trimmed {
            removed: 0,
            remaining: before,
        });
    }
    let border = border(&mut *connection, conversation, keep, long_turn).await?;
    let kept_from = border.map(|border| Expr::col(Items::Id).lt(border));
    let delete = Query::delete()
        .from_table(Items::Table)
        .and_where(Expr::col(Items::Conversation).eq(conversation.0))
        .and_where_option(kept_from)
        .take();
    let removed = execute(connection, &delete).await?;
    Ok(Trimmed {
        removed,
        remaining: before.saturating_sub(removed),
    })
}

/// The oldest user item among the newest `keep` items, or that of a longer turn that stays; `None`
/// when nothing is to stay.
async fn border(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    keep: u64,
    long_turn: LongTurn,
) -> StoreResult<Option<i64>> {
    let oldest_kept = keep.checked_sub(1).map(|newer| {
        of(conversation)
            .column(Items::Id)
            .order_by(Items::Id, Order::Desc)
            .offset(newer)
            .limit(1)
            .take()
    });
    let Some(oldest_kept) = oldest_kept else {
        return Ok(None);
    };
    let oldest_kept: Option<(i64,)> = fetch_optional(&mut *connection, &oldest_kept).await?;
    let Some((oldest_kept,)) = oldest_kept else {
        return Ok(None);
    };
    let questions = of(conversation)
        .and_where(Expr::col(Items::Role).eq(word("user")))
        .take();
    let border = questions
        .clone()
        .expr(Func::min(Expr::col(Items::Id)))
        .and_where(Expr::col(Items::Id).gte(oldest_kept))
        .take();
    let (border,): (Option<i64>,) = fetch_one(&mut *connection, &border).await?;
    if border.is_some() || long_turn == LongTurn::Goes {
        return Ok(border);
    }
    let newest = questions
        .clone()
        .column(Items::Id)
        .order_by(Items::Id, Order::Desc)
        .limit(1)
        .take();
    let newest: Option<(i64,)> = fetch_optional(connection, &newest).await?;
    Ok(newest.map(|(id,)| id))
}

async fn count(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
) -> StoreResult<u64> {
    let count = of(conversation)
        .expr(Func::count(Expr::col(Items::Id)))
        .take();
    let (count,): (i64,) = fetch_one(connection, &count).await?;
    Ok(count.unsigned_abs())
}

fn of(conversation: ConversationId) -> SelectStatement {
    Query::select()
        .from(Items::Table)
        .and_where(Expr::col(Items::Conversation).eq(conversation.0))
        .take()
}
