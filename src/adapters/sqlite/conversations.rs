//! Reading conversations.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::change::{self, LongTurn};
use super::database::Database;
use super::iden::{Conversations, Items};
use super::statement::{
    at, execute, fetch_all, fetch_one, fetch_optional, fetch_texts, in_row, word,
};
use super::values;
use crate::core::channel::ChatTarget;
use crate::core::conversation::{Conversation, ConversationOverview, ConversationStore, Item};
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::ConversationId;

/// Whose conversations there are; there is one agent so far.
pub(super) const AGENT: &str = "default";

/// The columns that tell where a conversation takes place.
pub(super) const PLACE: [Conversations; 3] = [
    Conversations::Channel,
    Conversations::Chat,
    Conversations::Thread,
];

/// The conversations in the database.
#[derive(Debug, Clone)]
pub struct SqliteConversationStore {
    database: Database,
}

impl SqliteConversationStore {
    /// The conversations of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ConversationStore for SqliteConversationStore {
    async fn current(&self, target: &ChatTarget) -> StoreResult<Option<Conversation>> {
        let row: Option<ConversationRow> =
            fetch_optional(self.database.reader(), &running(target)).await?;
        row.map(Conversation::try_from).transpose()
    }

    async fn running(&self) -> StoreResult<Vec<ConversationOverview>> {
        let rows: Vec<OverviewRow> = fetch_all(self.database.reader(), &overview()).await?;
        rows.into_iter().map(TryFrom::try_from).collect()
    }

    async fn newest_items(&self, id: ConversationId, limit: u32) -> StoreResult<Vec<Item>> {
        let mut newest = newest(id);
        let newest = newest.limit(limit.into());
        let rows = fetch_texts(self.database.reader(), newest).await?;
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    async fn newest_question(&self, id: ConversationId) -> StoreResult<Option<Item>> {
        let mut newest = newest(id);
        let newest = newest
            .and_where(Expr::col(Items::Role).eq(word("user")))
            .limit(1);
        let row: Option<(i64, String)> = fetch_optional(self.database.reader(), newest).await?;
        Ok(row.and_then(readable))
    }

    async fn count_items(&self, id: ConversationId) -> StoreResult<u64> {
        let count = Query::select()
            .expr(Func::count(Expr::col(Items::Id)))
            .from(Items::Table)
            .and_where(Expr::col(Items::Conversation).eq(id.0))
            .take();
        let (count,): (i64,) = fetch_one(self.database.reader(), &count).await?;
        Ok(count.unsigned_abs())
    }

    async fn trim_to(&self, id: ConversationId, keep: u64) -> StoreResult<u64> {
        let trimmed = self
            .database
            .write(move |connection| Box::pin(change::trim(connection, id, keep, LongTurn::Stays)))
            .await?;
        Ok(trimmed.removed)
    }

    async fn close(&self, target: &ChatTarget, now: DateTime<Utc>) -> StoreResult<()> {
        let close = Query::update()
            .table(Conversations::Table)
            .value(Conversations::ClosedAt, values::millis(now))
            .cond_where(at(PLACE, target))
            .and_where(Expr::col(Conversations::Agent).eq(word(AGENT)))
            .and_where(Expr::col(Conversations::ClosedAt).is_null())
            .take();
        self.database
            .write(move |connection| {
                Box::pin(async move { execute(connection, &close).await.map(|_| ()) })
            })
            .await
    }
}

/// Selects the items of a conversation, the newest first, each with its id.
pub(super) fn newest(id: ConversationId) -> SelectStatement {
    Query::select()
        .columns([Items::Id, Items::Item])
        .from(Items::Table)
        .and_where(Expr::col(Items::Conversation).eq(id.0))
        .order_by(Items::Id, Order::Desc)
        .take()
}

/// One unreadable item must not end the conversation: what is left is made legal again.
pub(super) fn readable((id, item): (i64, String)) -> Option<Item> {
    let item = values::from_json(&item).map_err(in_row("items", id));
    item.inspect_err(|error| tracing::error!(%error, "an item is left out"))
        .ok()
}

/// Selects the running conversation of a target, as a `ConversationRow`.
pub(super) fn running(target: &ChatTarget) -> SelectStatement {
    Query::select()
        .columns([
            Conversations::Id,
            Conversations::Channel,
            Conversations::Chat,
            Conversations::Thread,
            Conversations::StartedAt,
            Conversations::Labels,
        ])
        .from(Conversations::Table)
        .cond_where(at(PLACE, target))
        .and_where(Expr::col(Conversations::Agent).eq(word(AGENT)))
        .and_where(Expr::col(Conversations::ClosedAt).is_null())
        .take()
}

/// Selects all running conversations, as `OverviewRow`s.
fn overview() -> SelectStatement {
    let own = |column| Expr::col((Conversations::Table, column));
    let item = |column| Expr::col((Items::Table, column));
    Query::select()
        .columns([Conversations::Id].map(|column| (Conversations::Table, column)))
        .columns(PLACE.map(|column| (Conversations::Table, column)))
        .column((Conversations::Table, Conversations::StartedAt))
        .column((Conversations::Table, Conversations::Labels))
        .expr_as(Func::count(item(Items::Id)), "items")
        .expr_as(Func::max(item(Items::CreatedAt)), "last_item_at")
        .from(Conversations::Table)
        .left_join(
            Items::Table,
            item(Items::Conversation).equals((Conversations::Table, Conversations::Id)),
        )
        .and_where(own(Conversations::ClosedAt).is_null())
        .group_by_col((Conversations::Table, Conversations::Id))
        .order_by("last_item_at", Order::Desc)
        .take()
}

#[derive(sqlx::FromRow)]
struct OverviewRow {
    #[sqlx(flatten)]
    conversation: ConversationRow,
    items: i64,
    last_item_at: Option<i64>,
}

impl TryFrom<OverviewRow> for ConversationOverview {
    type Error = StoreError;

    fn try_from(row: OverviewRow) -> StoreResult<Self> {
        let id = row.conversation.id;
        let last = row.last_item_at.map(values::moment).transpose();
        Ok(Self {
            conversation: row.conversation.try_into()?,
            items: row.items.unsigned_abs(),
            last_item_at: last.map_err(in_row("conversations", id))?,
        })
    }
}

/// A conversation as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct ConversationRow {
    id: i64,
    channel: String,
    chat: String,
    thread: String,
    started_at: i64,
    labels: String,
}

impl TryFrom<ConversationRow> for Conversation {
    type Error = StoreError;

    fn try_from(row: ConversationRow) -> StoreResult<Self> {
        Ok(Self {
            id: ConversationId(row.id),
            target: values::target(row.channel, row.chat, row.thread),
            started_at: values::moment(row.started_at).map_err(in_row("conversations", row.id))?,
            labels: values::labels(&row.labels, ("conversations", row.id)),
        })
    }
}
