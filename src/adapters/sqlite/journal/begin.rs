//! Beginning a turn.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Expr, ExprTrait, InsertStatement, Order, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::super::conversations::AGENT;
use super::super::iden::{Conversations, Inbox, Turns};
use super::super::inbox::StoredRow;
use super::super::statement::{Batch, fetch_all, fetch_one, in_row, insert, word};
use super::super::values::{self, millis};
use super::{answer, reopen};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::{ConversationId, InboxId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::journal::RunningTurn;
use crate::core::label::Labels;

/// Takes the rows, or nothing when one of them does not wait. A row that has a turn, as that of another attempt at a
/// scheduled run has, goes on with it.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    ids: Vec<InboxId>,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
    let is_listed =
        Expr::col((Inbox::Table, Inbox::Id)).is_in(ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let rows: Vec<WaitingRow> = fetch_all(&mut *connection, &waiting(is_listed.clone())).await?;
    let running = rows.first().and_then(WaitingRow::conversation);
    let earlier = rows.first().and_then(|row| row.turn);
    let inbox = rows
        .into_iter()
        .map(|row| InboxRow::try_from(row.inbox))
        .collect::<StoreResult<Vec<_>>>()?;
    let Some(first) = inbox.first().filter(|_| inbox.len() == ids.len()) else {
        return Ok(None);
    };
    let target = first.incoming.target.clone();
    let conversation = match running {
        Some((id, started_at, labels)) => Conversation {
            id: ConversationId(id),
            target,
            started_at: values::moment(started_at).map_err(in_row("conversations", id))?,
            labels: values::labels(&labels, ("conversations", id)),
        },
        None => start(&mut *connection, target, now).await?,
    };
    if let Some(turn) = earlier {
        let again = reopen::go_on(&mut *connection, turn, &conversation, now).await?;
        if again.is_some() {
            return Ok(again);
        }
    }
    let take = Query::update()
        .table(Inbox::Table)
        .values([(Inbox::State, word("running")), (Inbox::Turn, this_turn())])
        .and_where(is_listed)
        .take();
    let mut batch = Batch::default();
    batch.add(&beginning(conversation.id, now));
    batch.add(&take);
    batch.add(&answer::opening(this_turn(), &conversation.target, now));
    let [turn, open] = batch.ids(connection).await?[..] else {
        return Err(sqlx::Error::RowNotFound.into());
    };
    Ok(Some(RunningTurn {
        id: TurnId(turn),
        conversation,
        inbox,
        facts: Vec::new(),
        started_at: now,
        answer: answer::stored(open, None),
    }))
}

/// Inserts a turn and returns its id.
fn beginning(conversation: ConversationId, now: DateTime<Utc>) -> InsertStatement {
    insert(
        Turns::Table,
        [
            (Turns::Conversation, Expr::val(conversation.0)),
            (Turns::State, word("running")),
            (Turns::StartedAt, Expr::val(millis(now))),
        ],
    )
    .returning_col(Turns::Id)
    .take()
}

/// The id of the turn that was inserted just before.
fn this_turn() -> Expr {
    Expr::cust("last_insert_rowid()")
}

/// Selects rows that wait, each with the running conversation of its place, as `WaitingRow`s.
fn waiting(is_listed: Expr) -> SelectStatement {
    let own = |column| (Inbox::Table, column);
    let theirs = |column| Expr::col((Conversations::Table, column));
    let runs_here = Cond::all()
        .add(theirs(Conversations::Channel).equals(own(Inbox::Channel)))
        .add(theirs(Conversations::Chat).equals(own(Inbox::Chat)))
        .add(theirs(Conversations::Thread).equals(own(Inbox::Thread)))
        .add(theirs(Conversations::Agent).eq(word(AGENT)))
        .add(theirs(Conversations::ClosedAt).is_null());
    Query::select()
        .columns([Inbox::Id, Inbox::Incoming, Inbox::Album, Inbox::ReceivedAt].map(own))
        .column(own(Inbox::Turn))
        .expr_as(theirs(Conversations::Id), "conversation")
        .expr_as(theirs(Conversations::StartedAt), "started_at")
        .expr_as(theirs(Conversations::Labels), "labels")
        .from(Inbox::Table)
        .left_join(Conversations::Table, runs_here)
        .and_where(is_listed)
        .and_where(Expr::col(own(Inbox::State)).eq(word("waiting")))
        .order_by(own(Inbox::Id), Order::Asc)
        .take()
}

#[derive(sqlx::FromRow)]
struct WaitingRow {
    #[sqlx(flatten)]
    inbox: StoredRow,
    turn: Option<i64>,
    conversation: Option<i64>,
    started_at: Option<i64>,
    labels: Option<String>,
}

impl WaitingRow {
    fn conversation(&self) -> Option<(i64, i64, String)> {
        Some((self.conversation?, self.started_at?, self.labels.clone()?))
    }
}

async fn start(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Conversation> {
    let mut row = insert(
        Conversations::Table,
        [
            (Conversations::Channel, Expr::val(target.channel.as_str())),
            (Conversations::Chat, Expr::val(target.chat.as_str())),
            (Conversations::Thread, Expr::val(values::thread(&target))),
            (Conversations::Agent, word(AGENT)),
            (Conversations::StartedAt, Expr::val(millis(now))),
        ],
    );
    let (id,): (i64,) = fetch_one(connection, row.returning_col(Conversations::Id)).await?;
    Ok(Conversation {
        id: ConversationId(id),
        target,
        started_at: now,
        labels: Labels::default(),
    })
}
