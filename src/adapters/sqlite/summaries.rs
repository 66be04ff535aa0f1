//! The summaries of conversations: one for each, at most.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Func, OnConflict, Query, SelectStatement};
use sqlx::SqliteConnection;

use super::conversations;
use super::database::Database;
use super::iden::{Items, Summaries};
use super::statement::{execute, fetch_one, fetch_optional, fetch_texts, insert, word};
use super::values::{self, millis};
use crate::core::compaction::{PlacedItem, Summary, SummaryStore};
use crate::core::conversation::Item;
use crate::core::error::StoreResult;
use crate::core::ids::{ConversationId, ItemId};

/// The summaries in the database.
#[derive(Debug, Clone)]
pub struct SqliteSummaryStore {
    database: Database,
}

impl SqliteSummaryStore {
    /// The summaries of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl SummaryStore for SqliteSummaryStore {
    async fn get(&self, conversation: ConversationId) -> StoreResult<Option<Summary>> {
        let row: Option<(String, i64, String)> =
            fetch_optional(self.database.reader(), &of(conversation)).await?;
        let Some((text, covers_to, labels)) = row else {
            return Ok(None);
        };
        let labels = values::labels(&labels, ("summaries", conversation.0));
        Ok(Summary::new(&text, ItemId(covers_to), labels))
    }

    async fn uncovered(
        &self,
        conversation: ConversationId,
        limit: u32,
    ) -> StoreResult<Vec<PlacedItem>> {
        let covered = self.get(conversation).await?;
        let covered = covered.map(|summary| summary.covers_to);
        let mut newest = newest(conversation, covered);
        let newest = newest.limit(limit.into());
        let rows = fetch_texts(self.database.reader(), newest).await?;
        let mut items: Vec<PlacedItem> = rows.into_iter().filter_map(placed).collect();
        if let Some(first) = items.first()
            && !matches!(first.item, Item::User { .. })
        {
            let question = self
                .question_before(conversation, covered, first.id)
                .await?;
            items.splice(0..0, question);
        }
        Ok(items)
    }

    async fn save(
        &self,
        conversation: ConversationId,
        summary: Summary,
        first: ItemId,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let last = summary.covers_to;
                    if are_there(&mut *connection, conversation, [first, last]).await? {
                        put(connection, conversation, &summary, now).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

impl SqliteSummaryStore {
    async fn question_before(
        &self,
        conversation: ConversationId,
        covered: Option<ItemId>,
        item: ItemId,
    ) -> StoreResult<Option<PlacedItem>> {
        let mut question = newest(conversation, covered);
        let question = question
            .and_where(Expr::col(Items::Id).lt(item.0))
            .and_where(Expr::col(Items::Role).eq(word("user")))
            .limit(1);
        let row: Option<PlacedRow> = fetch_optional(self.database.reader(), question).await?;
        Ok(row.and_then(placed))
    }
}

/// An item as it is stored, with its id.
type PlacedRow = (i64, String);

fn placed(row: PlacedRow) -> Option<PlacedItem> {
    Some(PlacedItem {
        id: ItemId(row.0),
        item: conversations::readable(row)?,
    })
}

/// Selects what comes after the covered items, the newest first.
fn newest(conversation: ConversationId, covered: Option<ItemId>) -> SelectStatement {
    conversations::newest(conversation)
        .and_where_option(covered.map(|last| Expr::col(Items::Id).gt(last.0)))
        .take()
}

/// Forgets the summary of a conversation.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
) -> StoreResult<()> {
    let delete = Query::delete()
        .from_table(Summaries::Table)
        .and_where(Expr::col(Summaries::Conversation).eq(conversation.0))
        .take();
    execute(connection, &delete).await.map(|_| ())
}

async fn are_there(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    ends: [ItemId; 2],
) -> StoreResult<bool> {
    let count = Query::select()
        .expr(Func::count(Expr::col(Items::Id)))
        .from(Items::Table)
        .and_where(Expr::col(Items::Id).is_in(ends.map(|id| id.0)))
        .and_where(Expr::col(Items::Conversation).eq(conversation.0))
        .take();
    let (found,): (i64,) = fetch_one(connection, &count).await?;
    let [first, last] = ends;
    Ok(found == if first == last { 1 } else { 2 })
}

async fn put(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
    summary: &Summary,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let before: Option<(String, i64, String)> =
        fetch_optional(&mut *connection, &of(conversation)).await?;
    if before.is_some_and(|(_, covers_to, _)| covers_to >= summary.covers_to.0) {
        return Ok(());
    }
    let replaced = OnConflict::column(Summaries::Conversation)
        .update_columns([
            Summaries::Text,
            Summaries::CoversTo,
            Summaries::CreatedAt,
            Summaries::Labels,
        ])
        .to_owned();
    let mut row = insert(
        Summaries::Table,
        [
            (Summaries::Conversation, Expr::val(conversation.0)),
            (Summaries::Text, Expr::val(summary.text())),
            (Summaries::CoversTo, Expr::val(summary.covers_to.0)),
            (Summaries::CreatedAt, Expr::val(millis(now))),
            (
                Summaries::Labels,
                Expr::val(values::to_json(&summary.labels)?),
            ),
        ],
    );
    execute(connection, row.on_conflict(replaced)).await?;
    Ok(())
}

fn of(conversation: ConversationId) -> SelectStatement {
    Query::select()
        .columns([Summaries::Text, Summaries::CoversTo, Summaries::Labels])
        .from(Summaries::Table)
        .and_where(Expr::col(Summaries::Conversation).eq(conversation.0))
        .take()
}
