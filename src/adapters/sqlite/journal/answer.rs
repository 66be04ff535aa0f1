//! The open row of the outbox in which the answer of a turn grows: each running turn has one.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Expr, ExprTrait, InsertStatement, Query, UpdateStatement};
use sqlx::SqliteConnection;

use super::super::iden::Outbox;
use super::super::outbox;
use super::super::statement::{execute, fetch_one, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::load::TurnPlace;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{MessageId, OutboxId, TurnId};
use crate::core::journal::OpenAnswer;
use crate::core::outbox::NewOutbox;

/// What is left of an answer that had begun to show when its turn ended without a word.
const CUT_OFF: &str = "the turn ended before the answer was whole";

/// Opens a new answer.
pub(super) async fn open(
    connection: &mut SqliteConnection,
    turn: TurnId,
    target: &ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<OpenAnswer> {
    let opening = opening(Expr::val(turn.0), target, now);
    let (id,): (i64,) = fetch_one(connection, &opening).await?;
    Ok(stored(id, None))
}

/// Inserts an open answer and returns its id.
pub(super) fn opening(turn: Expr, target: &ChatTarget, now: DateTime<Utc>) -> InsertStatement {
    insert(
        Outbox::Table,
        [
            (Outbox::Channel, Expr::val(target.channel.as_str())),
            (Outbox::Chat, Expr::val(target.chat.as_str())),
            (Outbox::Thread, Expr::val(values::thread(target))),
            (Outbox::Urgency, Expr::val(0)),
            (Outbox::State, word("open")),
            (Outbox::Turn, turn),
            (Outbox::CreatedAt, Expr::val(millis(now))),
        ],
    )
    .returning_col(Outbox::Id)
    .take()
}

/// The open answer of a turn, if it has one.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    turn: TurnId,
) -> StoreResult<Option<OpenAnswer>> {
    let select = Query::select()
        .columns([Outbox::Id, Outbox::Message])
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::Turn).eq(turn.0))
        .and_where(Expr::col(Outbox::State).eq(word("open")))
        .take();
    let row: Option<(i64, Option<String>)> = fetch_optional(connection, &select).await?;
    Ok(row.map(|(id, message)| stored(id, message)))
}

/// An open answer as its row has it.
pub(super) fn stored(id: i64, message: Option<String>) -> OpenAnswer {
    OpenAnswer {
        row: OutboxId(id),
        message: message.map(MessageId::new),
    }
}

/// Writes what is said: the first of it fills the open row of `place`, the rest follows behind.
/// Returns the answer that is still open, which it is when nothing was said.
pub(super) async fn say(
    connection: &mut SqliteConnection,
    place: &TurnPlace,
    said: Vec<NewOutbox>,
    now: DateTime<Utc>,
) -> StoreResult<Option<OpenAnswer>> {
    let mut open = place.open.clone();
    for row in said {
        match &open {
            Some(answer) => {
                if execute(&mut *connection, &fill(answer.row, &row)?).await? == 1 {
                    open = None;
                }
            }
            None => {
                outbox::insert(&mut *connection, &row, Some(place.turn), now).await?;
            }
        }
    }
    Ok(open)
}

/// The statement that says it all, where the open row holds it: one part that cannot have been said
/// before.
pub(super) fn only_part(
    place: &TurnPlace,
    said: &[NewOutbox],
) -> StoreResult<Option<UpdateStatement>> {
    match (&place.open, said) {
        (Some(answer), [row]) if row.dedupe_key.is_none() => fill(answer.row, row).map(Some),
        _ => Ok(None),
    }
}

/// Ends an answer in which nothing is said. Without a message there is nothing to take back.
pub(super) async fn withdraw(
    connection: &mut SqliteConnection,
    answer: &OpenAnswer,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let (state, error) = match answer.message {
        None => ("withdrawn", None),
        Some(_) => ("failed", Some(CUT_OFF)),
    };
    let update = Query::update()
        .table(Outbox::Table)
        .values([
            (Outbox::State, word(state)),
            (Outbox::Error, Expr::val(error.map(str::to_owned))),
            (Outbox::DoneAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Outbox::Id).eq(answer.row.0))
        .take();
    execute(connection, &update).await?;
    Ok(())
}

/// Makes the open row say something, unless a row with the same key has said it before.
fn fill(id: OutboxId, row: &NewOutbox) -> StoreResult<UpdateStatement> {
    let unsaid = Cond::all().add_option(row.dedupe_key.as_ref().map(|key| {
        let same = Query::select()
            .column(Outbox::Id)
            .from(Outbox::Table)
            .and_where(Expr::col(Outbox::DedupeKey).eq(key.as_str()))
            .take();
        Expr::exists(same).not()
    }));
    let update = Query::update()
        .table(Outbox::Table)
        .values([
            (Outbox::State, word("pending")),
            (Outbox::Content, Expr::val(values::to_json(&row.content)?)),
            (Outbox::Urgency, Expr::val(outbox::urgency(row.urgency))),
            (
                Outbox::ReplyTo,
                Expr::val(row.reply_to.as_ref().map(|id| id.as_str().to_owned())),
            ),
            (Outbox::DedupeKey, Expr::val(row.dedupe_key.clone())),
            (Outbox::Labels, Expr::val(outbox::labels(row)?)),
        ])
        .and_where(Expr::col(Outbox::Id).eq(id.0))
        .cond_where(unsaid)
        .take();
    Ok(update)
}
