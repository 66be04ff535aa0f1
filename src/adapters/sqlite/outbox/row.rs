//! A row of the outbox that is due for delivery.

use sea_query::{Query, SelectStatement};

use super::super::iden::Outbox;
use super::super::statement::in_row;
use super::super::values;
use crate::core::channel::Urgency;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{MessageId, OutboxId, TurnId};
use crate::core::outbox::OutboxRow;

/// The row as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct StoredRow {
    id: i64,
    channel: String,
    chat: String,
    thread: String,
    urgency: i64,
    content: Option<String>,
    reply_to: Option<String>,
    message: Option<String>,
    attempts: i64,
    ambiguous: i64,
    turn: Option<i64>,
}

impl StoredRow {
    /// Its id, readable even where the rest is not.
    pub(super) fn id(&self) -> i64 {
        self.id
    }
}

/// Selects the columns of a `StoredRow`.
pub(super) fn columns() -> SelectStatement {
    Query::select()
        .columns([
            Outbox::Id,
            Outbox::Channel,
            Outbox::Chat,
            Outbox::Thread,
            Outbox::Urgency,
            Outbox::Content,
            Outbox::ReplyTo,
            Outbox::Message,
            Outbox::Attempts,
            Outbox::Ambiguous,
            Outbox::Turn,
        ])
        .from(Outbox::Table)
        .take()
}

impl TryFrom<StoredRow> for OutboxRow {
    type Error = StoreError;

    fn try_from(row: StoredRow) -> StoreResult<Self> {
        let no_content = || StoreError::Corrupt("it has no content".into());
        let content = row
            .content
            .as_deref()
            .ok_or_else(no_content)
            .and_then(values::from_json)
            .map_err(in_row("outbox", row.id))?;
        Ok(Self {
            id: OutboxId(row.id),
            target: values::target(row.channel, row.chat, row.thread),
            content,
            urgency: match row.urgency {
                0 => Urgency::Interactive,
                _ => Urgency::Background,
            },
            reply_to: row.reply_to.map(MessageId::new),
            message: row.message.map(MessageId::new),
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
            ambiguous: u32::try_from(row.ambiguous).unwrap_or(u32::MAX),
            turn: row.turn.map(TurnId),
        })
    }
}
