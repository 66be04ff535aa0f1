//! Beginning a turn.

use chrono::{DateTime, Utc};
use sea_query::{Cond, Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::conversations::{self, AGENT, ConversationRow};
use super::super::iden::{Conversations, Inbox, Turns};
use super::super::inbox::{self, StoredRow};
use super::super::statement::{Batch, fetch_all, fetch_one, fetch_optional, insert, word};
use super::super::values::{self, millis};
use super::answer;
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::{ConversationId, InboxId, TurnId};
use crate::core::inbox::InboxRow;
use crate::core::journal::RunningTurn;
use crate::core::label::Labels;

/// Takes the rows, or nothing when one of them does not wait.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    ids: Vec<InboxId>,
    now: DateTime<Utc>,
) -> StoreResult<Option<RunningTurn>> {
    let is_listed = Cond::all().add(Expr::col(Inbox::Id).is_in(ids.iter().map(|id| id.0)));
    let waiting = is_listed
        .clone()
        .add(Expr::col(Inbox::State).eq(word("waiting")));
    let rows: Vec<StoredRow> = fetch_all(&mut *connection, &inbox::select(waiting)).await?;
    let inbox = rows
        .into_iter()
        .map(InboxRow::try_from)
        .collect::<StoreResult<Vec<_>>>()?;
    let Some(first) = inbox.first().filter(|_| inbox.len() == ids.len()) else {
        return Ok(None);
    };
    let target = first.incoming.target.clone();
    let conversation = find_or_start(&mut *connection, target, now).await?;
    let mut row = insert(
        Turns::Table,
        [
            (Turns::Conversation, Expr::val(conversation.id.0)),
            (Turns::State, word("running")),
            (Turns::StartedAt, Expr::val(millis(now))),
        ],
    );
    let (id,): (i64,) = fetch_one(&mut *connection, row.returning_col(Turns::Id)).await?;
    let take = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("running")),
            (Inbox::Turn, Expr::val(id)),
        ])
        .cond_where(is_listed)
        .take();
    let id = TurnId(id);
    let mut batch = Batch::default();
    batch.add(&take);
    batch.add(&answer::opening(id, &conversation.target, now));
    let (open,): (i64,) = batch.fetch_one(connection).await?;
    let answer = answer::stored(open, None);
    let facts = Vec::new();
    Ok(Some(RunningTurn {
        id,
        conversation,
        inbox,
        facts,
        started_at: now,
        answer,
    }))
}

async fn find_or_start(
    connection: &mut SqliteConnection,
    target: ChatTarget,
    now: DateTime<Utc>,
) -> StoreResult<Conversation> {
    let running: Option<ConversationRow> =
        fetch_optional(&mut *connection, &conversations::running(&target)).await?;
    if let Some(row) = running {
        return row.try_into();
    }
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
