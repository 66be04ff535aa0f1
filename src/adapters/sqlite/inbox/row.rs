//! A row of the inbox that holds something to act on.

use sea_query::{Condition, Expr, Order, Query, SelectStatement};

use super::super::iden::Inbox;
use super::super::statement::in_row;
use super::super::values;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::InboxId;
use crate::core::inbox::InboxRow;

/// The row as it is stored.
#[derive(sqlx::FromRow)]
pub(in crate::adapters::sqlite) struct StoredRow {
    id: i64,
    incoming: Option<String>,
    album: Option<String>,
    received_at: i64,
}

impl StoredRow {
    /// Its id.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Its album.
    pub(super) fn album(&self) -> Option<&str> {
        self.album.as_deref()
    }
}

/// Selects the rows for which `condition` holds, oldest first.
pub(in crate::adapters::sqlite) fn select(condition: Condition) -> SelectStatement {
    Query::select()
        .columns([Inbox::Id, Inbox::Incoming, Inbox::Album, Inbox::ReceivedAt])
        .from(Inbox::Table)
        .cond_where(condition)
        .order_by_expr(Expr::col(Inbox::Id), Order::Asc)
        .take()
}

impl TryFrom<StoredRow> for InboxRow {
    type Error = StoreError;

    fn try_from(row: StoredRow) -> StoreResult<Self> {
        let read = || {
            let incoming = row
                .incoming
                .as_deref()
                .ok_or_else(|| StoreError::Corrupt("it has no content".into()))?;
            Ok(Self {
                id: InboxId(row.id),
                incoming: values::from_json(incoming)?,
                received_at: values::moment(row.received_at)?,
            })
        };
        read().map_err(in_row("inbox", row.id))
    }
}
