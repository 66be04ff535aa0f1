//! Running the last message again: a turn without an answer is opened again, one with an answer gets another
//! beside it.
//!
//! Scheduled runs have attempts of their own: the person means what they wrote themselves. Each attempt goes on with
//! the turn of the one before.

use chrono::{DateTime, Utc};
use sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::super::conversations::{self, ConversationRow};
use super::super::iden::{Conversations, Inbox, Items, Outbox, TurnFacts, Turns};
use super::super::inbox::StoredRow;
use super::super::statement::{execute, fetch_all, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::{answer, begin, load};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::{InboxId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::journal::RunningTurn;
use crate::core::outbox::waiting_key;
use crate::core::turn::Fact;

/// The question of a turn once more: ?1 is the turn, ?2 the row that asks for it, ?3 to ?5 the place where it is
/// asked now, ?6 is now.
const ASK_AGAIN: &str = "
    INSERT INTO inbox (source, external_id, kind, channel, chat, thread, sender, message, album, state,
        incoming, priority, parent_id, received_at)
    SELECT 'retry:' || ?2, id, kind, ?3, ?4, ?5, sender, message, album, 'waiting',
        json_set(incoming, '$.target.chat', ?4, '$.target.thread', nullif(?5, '')), priority, ?2, ?6
    FROM inbox
    WHERE turn = ?1
    ORDER BY id
    RETURNING id";

/// Runs again what the sender of `said_in` wrote last in the target's conversation: opens its turn, if that is the
/// newest and has no answer, and begins another one otherwise. With that the row which asks for it is done, so that
/// it asks once.
pub(super) async fn reopen(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    said_in: InboxId,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
    let running: Option<ConversationRow> =
        fetch_optional(&mut *connection, &conversations::running(&target)).await?;
    let Some(running) = running else {
        return Ok(None);
    };
    let conversation = Conversation::try_from(running)?.id;
    let newest = |message: SelectStatement| {
        Query::select()
            .columns([Turns::Id, Turns::State].map(|column| (Turns::Table, column)))
            .from(Turns::Table)
            .and_where(Expr::col(Turns::Conversation).eq(conversation.0))
            .and_where(Expr::exists(message))
            .order_by((Turns::Table, Turns::Id), Order::Desc)
            .limit(1)
            .take()
    };
    let of_all: Option<(i64, String)> =
        fetch_optional(&mut *connection, &newest(own_message())).await?;
    let own = own_message().and_where(is_of_sender(said_in)).take();
    let own: Option<(i64, String)> = fetch_optional(&mut *connection, &newest(own)).await?;
    let Some((turn, state)) = own else {
        return Ok(None);
    };
    let is_newest = of_all.is_some_and(|(newest, _)| newest == turn);
    let again = match state.as_str() {
        "running" => None,
        "failed" | "stopped" if is_newest && can_go_on(&mut *connection, turn).await? => {
            open_again(&mut *connection, turn, &target, now).await?
        }
        _ => ask_again(&mut *connection, (turn, said_in), &target, now).await?,
    };
    if again.is_some() {
        finish(connection, said_in, now).await?;
    }
    Ok(again)
}

/// Ends the row of the command.
async fn finish(
    connection: &mut SqliteConnection,
    row: InboxId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let done = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("done")),
            (Inbox::DoneAt, Expr::val(millis(now))),
        ])
        .and_where(Expr::col(Inbox::Id).eq(row.0))
        .and_where(Expr::col(Inbox::State).eq(word("waiting")))
        .take();
    execute(connection, &done).await.map(|_| ())
}

async fn ask_again(
    connection: &mut SqliteConnection,
    (turn, said_in): (i64, InboxId),
    target: &ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
    if !can_be_read(&mut *connection, turn).await? {
        return Ok(None);
    }
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
    begin::begin(connection, rows, now).await
}

/// Whether the messages of a turn can be asked again; what cannot be read would be tried for ever.
async fn can_be_read(connection: &mut SqliteConnection, turn: i64) -> StoreResult<bool> {
    let rows: Vec<StoredRow> = fetch_all(connection, &load::messages_of(TurnId(turn))).await?;
    let read: StoreResult<Vec<InboxRow>> = rows.into_iter().map(InboxRow::try_from).collect();
    let unreadable = read.err().inspect(|error| {
        tracing::error!(turn, %error, "a message cannot be asked again");
    });
    Ok(unreadable.is_none())
}

/// Whether a turn can go on where it ended: otherwise its messages are asked from the beginning.
async fn can_go_on(connection: &mut SqliteConnection, turn: i64) -> StoreResult<bool> {
    Ok(can_be_read(&mut *connection, turn).await?
        && load::can_be_followed(connection, turn).await?)
}

/// Opens the turn of the attempt before at a scheduled run, so that what its calls have done is not done again.
/// `None` where that turn cannot go on: the run begins anew.
pub(super) async fn go_on(
    connection: &mut SqliteConnection,
    turn: i64,
    conversation: &Conversation,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
    if !load::can_be_followed(&mut *connection, turn).await? {
        return Ok(None);
    }
    keep_labels(&mut *connection, turn, conversation).await?;
    // The chat may have gone on to another conversation, or the job to another place.
    let here = Query::update()
        .table(Turns::Table)
        .value(Turns::Conversation, conversation.id.0)
        .and_where(Expr::col(Turns::Id).eq(turn))
        .and_where(Expr::col(Turns::State).is_in([word("failed"), word("stopped")]))
        .take();
    if execute(&mut *connection, &here).await? == 0 {
        return Ok(None);
    }
    open_again(connection, turn, &conversation.target, now).await
}

/// What the model has said so far it said after all that its conversation had read: that counts where it goes on, too.
async fn keep_labels(
    connection: &mut SqliteConnection,
    turn: i64,
    to: &Conversation,
) -> StoreResult<()> {
    let of = |column| (Conversations::Table, column);
    let from = Query::select()
        .columns([Conversations::Id, Conversations::Labels].map(of))
        .from(Conversations::Table)
        .inner_join(
            Turns::Table,
            Expr::col((Turns::Table, Turns::Conversation)).equals(of(Conversations::Id)),
        )
        .and_where(Expr::col((Turns::Table, Turns::Id)).eq(turn))
        .and_where(Expr::col(of(Conversations::Id)).ne(to.id.0))
        .take();
    let from: Option<(i64, String)> = fetch_optional(&mut *connection, &from).await?;
    let Some((id, labels)) = from else {
        return Ok(());
    };
    let mut all = to.labels.clone();
    all.join(&values::labels(&labels, ("conversations", id)));
    let update = Query::update()
        .table(Conversations::Table)
        .value(Conversations::Labels, values::to_json(&all)?)
        .and_where(Expr::col(Conversations::Id).eq(to.id.0))
        .take();
    execute(connection, &update).await.map(|_| ())
}

async fn open_again(
    connection: &mut SqliteConnection,
    turn: i64,
    target: &ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
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
    let answer = answer::open(&mut *connection, TurnId(turn), target, now).await?;
    load::opened(connection, TurnId(turn), answer).await
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

/// That a message is of the person who wrote another one.
fn is_of_sender(row: InboxId) -> Expr {
    let theirs = Alias::new("theirs");
    let sender = Query::select()
        .column((theirs.clone(), Inbox::Sender))
        .from_as(Inbox::Table, theirs.clone())
        .and_where(Expr::col((theirs, Inbox::Id)).eq(row.0))
        .take();
    Expr::col((Inbox::Table, Inbox::Sender)).eq(sender)
}
