//! Running the last message again: a turn without an answer is opened again, one with an answer gets another
//! beside it.
//!
//! Scheduled runs have attempts of their own: the person means what they wrote themselves.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::super::conversations::{self, ConversationRow};
use super::super::iden::{Inbox, Items, Outbox, TurnFacts, Turns};
use super::super::statement::{execute, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::{answer, begin};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::{InboxId, TurnId};
use crate::core::outbox::waiting_key;
use crate::core::turn::Fact;

/// The question of an answered turn once more: ?1 is the turn, ?2 the row that asks for it, ?3 to ?5 the place
/// where it is asked now, ?6 is now. Each row asks for it once, and only for what its own sender wrote.
const ASK_AGAIN: &str = "
    INSERT INTO inbox (source, external_id, kind, channel, chat, thread, sender, message, album, state,
        incoming, priority, parent_id, received_at)
    SELECT 'retry:' || ?2, id, kind, ?3, ?4, ?5, sender, message, album, 'waiting',
        json_set(incoming, '$.target.chat', ?4, '$.target.thread', nullif(?5, '')), priority, ?2, ?6
    FROM inbox
    WHERE turn = ?1 AND incoming IS NOT NULL AND sender = (SELECT sender FROM inbox WHERE id = ?2)
        AND NOT EXISTS (SELECT 1 FROM inbox WHERE source = 'retry:' || ?2)
    ORDER BY id
    RETURNING id";

/// Opens the newest turn of the target's conversation if it has no answer; begins another one with its
/// question if it has.
pub(super) async fn reopen(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    said_in: InboxId,
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
    let Some((turn, state)) = newest else {
        return Ok(None);
    };
    match state.as_str() {
        "answered" => ask_again(connection, (turn, said_in), &target, now).await,
        "failed" | "stopped" => open_again(connection, turn, &target, now).await,
        _ => Ok(None),
    }
}

async fn ask_again(
    connection: &mut SqliteConnection,
    (turn, said_in): (i64, InboxId),
    target: &ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Option<TurnId>> {
    let mut rows: Vec<i64> = sqlx::query_scalar(ASK_AGAIN)
        .bind(turn)
        .bind(said_in.0)
        .bind(target.channel.as_str())
        .bind(target.chat.as_str())
        .bind(values::thread(target))
        .bind(millis(now))
        .fetch_all(&mut *connection)
        .await?;
    rows.sort_unstable();
    let rows = rows.into_iter().map(InboxId).collect();
    let begun = begin::begin(connection, rows, now).await?;
    Ok(begun.map(|turn| turn.id))
}

async fn open_again(
    connection: &mut SqliteConnection,
    turn: i64,
    target: &ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Option<TurnId>> {
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
    answer::open(connection, TurnId(turn), target, now).await?;
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
