//! Opening a failed turn again.
//!
//! Scheduled runs have attempts of their own: the person means what they wrote themselves.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::super::conversations::{self, ConversationRow};
use super::super::iden::{Inbox, Items, Outbox, TurnFacts, Turns};
use super::super::statement::{execute, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::answer;
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::TurnId;
use crate::core::outbox::waiting_key;
use crate::core::turn::Fact;

/// Opens the newest turn of the target's conversation if it has no answer.
pub(super) async fn reopen(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Option<TurnId>> {
    let running: Option<ConversationRow> =
        fetch_optional(&mut *connection, &conversations::running(&target)).await?;
    let Some(running) = running else {
        return Ok(None);
    };
    let conversation = Conversation::try_from(running)?.id;
    let newest = Query::select()
        .columns([Turns::Id, Turns::State].map(|column| (Turns::Table, column)))
        .from(Turns::Table)
        .and_where(Expr::col(Turns::Conversation).eq(conversation.0))
        .and_where(Expr::exists(own_message()))
        .order_by((Turns::Table, Turns::Id), Order::Desc)
        .limit(1)
        .take();
    let newest: Option<(i64, String)> = fetch_optional(&mut *connection, &newest).await?;
    let Some((turn, _)) = newest.filter(|(_, state)| state == "failed" || state == "stopped")
    else {
        return Ok(None);
    };
    let seq = forget_the_end(&mut *connection, turn).await?;
    note_the_reopening(&mut *connection, (turn, seq), now).await?;
    may_be_told_again(&mut *connection, TurnId(turn)).await?;
    let items = Query::delete()
        .from_table(Items::Table)
        .and_where(Expr::col(Items::Turn).eq(turn))
        .take();
    execute(&mut *connection, &items).await?;
    let turns = Query::update()
        .table(Turns::Table)
        .values([
            (Turns::State, word("running")),
            (Turns::EndedAt, Expr::val(None::<i64>)),
        ])
        .and_where(Expr::col(Turns::Id).eq(turn))
        .take();
    execute(&mut *connection, &turns).await?;
    let inbox = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("running")),
            (Inbox::DoneAt, Expr::val(None::<i64>)),
        ])
        .and_where(Expr::col(Inbox::Turn).eq(turn))
        .take();
    execute(&mut *connection, &inbox).await?;
    answer::open(connection, TurnId(turn), &target, now).await?;
    Ok(Some(TurnId(turn)))
}

/// Removes the last fact if it is the one that ended the turn. Says which is the next.
async fn forget_the_end(connection: &mut SqliteConnection, turn: i64) -> StoreResult<i64> {
    let last = Query::select()
        .columns([TurnFacts::Seq, TurnFacts::Fact])
        .from(TurnFacts::Table)
        .and_where(Expr::col(TurnFacts::Turn).eq(turn))
        .order_by(TurnFacts::Seq, Order::Desc)
        .limit(1)
        .take();
    let last: Option<(i64, String)> = fetch_optional(&mut *connection, &last).await?;
    let Some((seq, fact)) = last else {
        return Ok(1);
    };
    // One that cannot be read would keep the turn from ever being run again. With a call that the
    // rules were asked about the turn ends where it has asked too often.
    let goes_on = values::from_json::<Fact>(&fact).is_ok_and(|fact| {
        !matches!(
            fact,
            Fact::ModelFailed { .. } | Fact::Stopped { .. } | Fact::Judged { .. }
        )
    });
    if goes_on {
        return Ok(seq + 1);
    }
    let delete = Query::delete()
        .from_table(TurnFacts::Table)
        .and_where(Expr::col(TurnFacts::Turn).eq(turn))
        .and_where(Expr::col(TurnFacts::Seq).eq(seq))
        .take();
    execute(connection, &delete).await?;
    Ok(seq)
}

/// What the model was paid for last may have ended the turn by being its last step: only this lets
/// it go on.
async fn note_the_reopening(
    connection: &mut SqliteConnection,
    (turn, seq): (i64, i64),
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let fact = insert(
        TurnFacts::Table,
        [
            (TurnFacts::Turn, Expr::val(turn)),
            (TurnFacts::Seq, Expr::val(seq)),
            (
                TurnFacts::Fact,
                Expr::val(values::to_json(&Fact::Reopened)?),
            ),
            (TurnFacts::CreatedAt, Expr::val(millis(now))),
        ],
    );
    execute(connection, &fact).await?;
    Ok(())
}

/// What is said once in a turn is said once more when that is run again.
async fn may_be_told_again(connection: &mut SqliteConnection, turn: TurnId) -> StoreResult<()> {
    let told = Query::update()
        .table(Outbox::Table)
        .value(Outbox::DedupeKey, Expr::val(None::<String>))
        .and_where(Expr::col(Outbox::DedupeKey).eq(waiting_key(turn)))
        .take();
    execute(connection, &told).await?;
    Ok(())
}

/// Selects what a person wrote and a turn answers.
fn own_message() -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(Inbox::Table)
        .and_where(Expr::col((Inbox::Table, Inbox::Turn)).equals((Turns::Table, Turns::Id)))
        .and_where(Expr::col((Inbox::Table, Inbox::Kind)).ne(word("scheduled")))
        .take()
}
