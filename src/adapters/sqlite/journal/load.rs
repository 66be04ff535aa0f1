//! Reading running turns.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::super::database::Database;
use super::super::iden::{Approvals, Conversations, Inbox, Outbox, TurnFacts, Turns};
use super::super::inbox::{self, StoredRow};
use super::super::statement::{fetch_all, fetch_optional, in_row, word};
use super::super::values;
use super::{answer, end};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{ConversationId, OccurrenceId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::journal::{OpenAnswer, RunningTurn, TurnEnd};
use crate::core::turn::Fact;

/// A running turn and where it takes place.
pub(in super::super) struct TurnPlace {
    pub(in super::super) turn: TurnId,
    pub(super) conversation: ConversationId,
    pub(in super::super) target: ChatTarget,
    /// The labels of the conversation before this turn, as stored.
    pub(super) labels: String,
    /// How many facts it has.
    pub(super) last_seq: i64,
    /// The answer that is still open.
    pub(super) open: Option<OpenAnswer>,
    /// Whether it asks a person something.
    pub(super) asks: Asks,
}

/// Whether a turn waits for an answer of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    Something,
}

/// Where a turn takes place; `None` when it does not run.
pub(super) async fn find_running(
    connection: &mut SqliteConnection,
    turn: TurnId,
) -> StoreResult<Option<TurnPlace>> {
    let row: Option<PlaceRow> = fetch_optional(connection, &place(turn)).await?;
    Ok(row.map(
        |PlaceRow {
             turn: row,
             last_seq,
             open,
             open_message,
             asks,
         }| TurnPlace {
            turn,
            conversation: ConversationId(row.conversation),
            target: values::target(row.channel, row.chat, row.thread),
            labels: row.labels,
            last_seq,
            open: open.map(|id| answer::stored(id, open_message)),
            asks: if asks == 0 {
                Asks::Nothing
            } else {
                Asks::Something
            },
        },
    ))
}

/// Selects a running turn as a `PlaceRow`.
fn place(turn: TurnId) -> SelectStatement {
    let last_seq = Query::select()
        .expr(Func::coalesce([
            Expr::col(TurnFacts::Seq).max(),
            Expr::val(0),
        ]))
        .from(TurnFacts::Table)
        .and_where(Expr::col(TurnFacts::Turn).eq(turn.0))
        .take();
    let asks = Query::select()
        .expr(Expr::val(1))
        .from(Approvals::Table)
        .and_where(Expr::col(Approvals::Turn).eq(turn.0))
        .and_where(Expr::col(Approvals::State).eq(word("waiting")))
        .take();
    let open = |column| (Outbox::Table, column);
    let is_open = Cond::all()
        .add(Expr::col(open(Outbox::Turn)).equals((Turns::Table, Turns::Id)))
        .add(Expr::col(open(Outbox::State)).eq(word("open")));
    running_turns()
        .expr_as(last_seq, "last_seq")
        .expr_as(Expr::col(open(Outbox::Id)), "open")
        .expr_as(Expr::col(open(Outbox::Message)), "open_message")
        .expr_as(Expr::exists(asks), "asks")
        .left_join(Outbox::Table, is_open)
        .and_where(Expr::col((Turns::Table, Turns::Id)).eq(turn.0))
        .take()
}

/// The running turns, whole. A turn whose open answer is missing gets a new one.
pub(super) async fn unfinished(database: &Database) -> StoreResult<Vec<RunningTurn>> {
    let oldest_first = running_turns()
        .order_by((Turns::Table, Turns::Id), Order::Asc)
        .take();
    let rows: Vec<TurnRow> = fetch_all(database.reader(), &oldest_first).await?;
    let mut turns = Vec::with_capacity(rows.len());
    for row in rows {
        turns.extend(whole(database, row).await?);
    }
    Ok(turns)
}

/// A running turn, whole.
pub(super) async fn running(database: &Database, turn: TurnId) -> StoreResult<Option<RunningTurn>> {
    match fetch_optional(database.reader(), &one(turn)).await? {
        Some(row) => whole(database, row).await,
        None => Ok(None),
    }
}

async fn whole(database: &Database, row: TurnRow) -> StoreResult<Option<RunningTurn>> {
    let turn = TurnId(row.id);
    let facts: Vec<FactRow> = fetch_all(database.reader(), &facts_of(turn)).await?;
    let inbox: Vec<StoredRow> = fetch_all(database.reader(), &messages_of(turn)).await?;
    let started_at = values::moment(row.started_at).unwrap_or_default();
    let target = values::target(row.channel.clone(), row.chat.clone(), row.thread.clone());
    let answer = find_or_open(database, (turn, target.clone()), started_at).await?;
    match read(row, inbox, facts, answer) {
        Ok(turn) => Ok(Some(turn)),
        Err(error) => give_up(database, (turn, target), &error, started_at)
            .await
            .map(|()| None),
    }
}

/// A turn that was opened again just now, whole.
pub(super) async fn opened(
    connection: &mut SqliteConnection,
    turn: TurnId,
    answer: OpenAnswer,
) -> StoreResult<Option<RunningTurn>> {
    let Some(row) = fetch_optional(&mut *connection, &one(turn)).await? else {
        return Ok(None);
    };
    let facts: Vec<FactRow> = fetch_all(&mut *connection, &facts_of(turn)).await?;
    let inbox: Vec<StoredRow> = fetch_all(connection, &messages_of(turn)).await?;
    read(row, inbox, facts, answer).map(Some)
}

/// Whether a turn can be read, but for its last fact, which goes when that is opened again.
pub(super) async fn can_be_followed(
    connection: &mut SqliteConnection,
    turn: i64,
) -> StoreResult<bool> {
    let began = Query::select()
        .column(Turns::StartedAt)
        .from(Turns::Table)
        .and_where(Expr::col(Turns::Id).eq(turn))
        .take();
    let began: Option<(i64,)> = fetch_optional(&mut *connection, &began).await?;
    let mut facts: Vec<FactRow> = fetch_all(connection, &facts_of(TurnId(turn))).await?;
    facts.pop();
    let began = began.map(|(at,)| values::moment(at)).transpose();
    let facts = facts.into_iter().map(Fact::try_from);
    let read = began.and_then(|_| facts.collect::<StoreResult<Vec<_>>>());
    let unreadable = read.err().inspect(|error| {
        tracing::error!(turn, %error, "a turn cannot go on where it ended");
    });
    Ok(unreadable.is_none())
}

fn read(
    row: TurnRow,
    inbox: Vec<StoredRow>,
    facts: Vec<FactRow>,
    answer: OpenAnswer,
) -> StoreResult<RunningTurn> {
    Ok(RunningTurn {
        id: TurnId(row.id),
        conversation: Conversation {
            id: ConversationId(row.conversation),
            target: values::target(row.channel, row.chat, row.thread),
            started_at: values::moment(row.conversation_started_at)
                .map_err(in_row("conversations", row.conversation))?,
            labels: values::labels(&row.labels, ("conversations", row.conversation)),
        },
        inbox: inbox
            .into_iter()
            .map(InboxRow::try_from)
            .collect::<StoreResult<_>>()?,
        facts: facts
            .into_iter()
            .map(Fact::try_from)
            .collect::<StoreResult<_>>()?,
        started_at: values::moment(row.started_at).map_err(in_row("turns", row.id))?,
        answer,
    })
}

async fn find_or_open(
    database: &Database,
    (turn, target): (TurnId, ChatTarget),
    now: DateTime<Utc>,
) -> StoreResult<OpenAnswer> {
    database
        .write(move |connection| {
            Box::pin(async move {
                match answer::find(&mut *connection, turn).await? {
                    Some(answer) => Ok(answer),
                    None => answer::open(connection, turn, &target, now).await,
                }
            })
        })
        .await
}

/// Ends a turn that cannot be read as failed, and says so: it must not keep the others from going on, and
/// `/retry` can run its message again.
async fn give_up(
    database: &Database,
    (turn, target): (TurnId, ChatTarget),
    error: &StoreError,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    tracing::error!(%turn, %error, "a turn cannot be read and is given up");
    database
        .write(move |connection| {
            Box::pin(async move {
                let run: Option<(i64,)> = fetch_optional(&mut *connection, &run_of(turn)).await?;
                let run = run.map(|(id,)| OccurrenceId(id));
                let unreadable = TurnEnd::unreadable(target, run);
                end::end(connection, turn, unreadable, now).await
            })
        })
        .await
}

/// Selects the scheduled run that a turn is.
fn run_of(turn: TurnId) -> SelectStatement {
    Query::select()
        .column(Inbox::ExternalId)
        .from(Inbox::Table)
        .and_where(Expr::col(Inbox::Turn).eq(turn.0))
        .and_where(Expr::col(Inbox::Source).eq(word("job")))
        .take()
}

/// Selects running turns as `TurnRow`s.
fn running_turns() -> SelectStatement {
    let of = |column: Conversations| (Conversations::Table, column);
    Query::select()
        .columns([Turns::Id, Turns::Conversation, Turns::StartedAt].map(|c| (Turns::Table, c)))
        .columns(
            [
                Conversations::Channel,
                Conversations::Chat,
                Conversations::Thread,
                Conversations::Labels,
            ]
            .map(of),
        )
        .expr_as(
            Expr::col(of(Conversations::StartedAt)),
            "conversation_started_at",
        )
        .from(Turns::Table)
        .inner_join(
            Conversations::Table,
            Expr::col(of(Conversations::Id)).equals((Turns::Table, Turns::Conversation)),
        )
        .and_where(Expr::col((Turns::Table, Turns::State)).eq(word("running")))
        .take()
}

fn one(turn: TurnId) -> SelectStatement {
    running_turns()
        .and_where(Expr::col((Turns::Table, Turns::Id)).eq(turn.0))
        .take()
}

pub(super) fn messages_of(turn: TurnId) -> SelectStatement {
    inbox::select(Cond::all().add(Expr::col(Inbox::Turn).eq(turn.0)))
}

fn facts_of(turn: TurnId) -> SelectStatement {
    Query::select()
        .columns([TurnFacts::Turn, TurnFacts::Seq, TurnFacts::Fact])
        .from(TurnFacts::Table)
        .and_where(Expr::col(TurnFacts::Turn).eq(turn.0))
        .order_by(TurnFacts::Seq, Order::Asc)
        .take()
}

#[derive(sqlx::FromRow)]
struct TurnRow {
    id: i64,
    conversation: i64,
    started_at: i64,
    channel: String,
    chat: String,
    thread: String,
    labels: String,
    conversation_started_at: i64,
}

#[derive(sqlx::FromRow)]
struct PlaceRow {
    #[sqlx(flatten)]
    turn: TurnRow,
    last_seq: i64,
    open: Option<i64>,
    open_message: Option<String>,
    asks: i64,
}

#[derive(sqlx::FromRow)]
struct FactRow {
    turn: i64,
    seq: i64,
    fact: String,
}

impl TryFrom<FactRow> for Fact {
    type Error = StoreError;

    fn try_from(row: FactRow) -> StoreResult<Self> {
        values::from_json(&row.fact).map_err(|error| match error {
            StoreError::Corrupt(reason) => {
                StoreError::Corrupt(format!("turn_facts {} seq {}: {reason}", row.turn, row.seq))
            }
            other => other,
        })
    }
}
