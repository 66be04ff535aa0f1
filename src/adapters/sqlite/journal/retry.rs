//! Putting the message of a failed turn in line again.

use sea_query::{Expr, ExprTrait, Order, Query};
use sqlx::SqliteConnection;

use super::super::conversations::{self, ConversationRow};
use super::super::iden::{Inbox, Items, Turns};
use super::super::statement::{execute, fetch_all, fetch_optional, word};
use crate::core::channel::ChatTarget;
use crate::core::conversation::Conversation;
use crate::core::error::StoreResult;
use crate::core::ids::InboxId;

/// Undoes the newest turn of the target's conversation if it failed. Once it is undone, the
/// turn has no messages any more, so that a second time does nothing.
pub(super) async fn retry(
    connection: &mut SqliteConnection,
    target: ChatTarget,
) -> StoreResult<Option<InboxId>> {
    let running: Option<ConversationRow> =
        fetch_optional(&mut *connection, &conversations::running(&target)).await?;
    let Some(running) = running else {
        return Ok(None);
    };
    let conversation = Conversation::try_from(running)?.id;
    let newest = Query::select()
        .columns([Turns::Id, Turns::State])
        .from(Turns::Table)
        .and_where(Expr::col(Turns::Conversation).eq(conversation.0))
        .order_by(Turns::Id, Order::Desc)
        .limit(1)
        .take();
    let newest: Option<(i64, String)> = fetch_optional(&mut *connection, &newest).await?;
    let Some((turn, _)) = newest.filter(|(_, state)| state == "failed") else {
        return Ok(None);
    };
    let items = Query::delete()
        .from_table(Items::Table)
        .and_where(Expr::col(Items::Turn).eq(turn))
        .take();
    execute(&mut *connection, &items).await?;
    let mut wait = Query::update()
        .table(Inbox::Table)
        .values([
            (Inbox::State, word("waiting")),
            (Inbox::Turn, Expr::val(None::<i64>)),
            (Inbox::DoneAt, Expr::val(None::<i64>)),
        ])
        .and_where(Expr::col(Inbox::Turn).eq(turn))
        .take();
    let rows: Vec<(i64,)> = fetch_all(connection, wait.returning_col(Inbox::Id)).await?;
    Ok(rows.into_iter().map(|(id,)| InboxId(id)).min())
}
