//! Forgetting what has been done with for long enough.

use chrono::{DateTime, Utc};
use sea_query::{DeleteStatement, Expr, ExprTrait, Iden, Order, Query};

use super::database::Database;
use super::iden::{Inbox, Jobs, Occurrences, Outbox, Turns};
use super::statement::{execute, word};
use super::values::millis;
use crate::core::error::StoreResult;

/// Deletes old rows. Conversations, notes, audit and usage stay.
#[derive(Debug, Clone)]
pub struct SqliteRetention {
    database: Database,
}

impl SqliteRetention {
    /// For a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Deletes at most `limit` rows of each kind that were done with before `older_than`: of the
    /// inbox, of the outbox, turns with their facts, receipts, jobs that are over and have no receipt
    /// left. Says how many went; call it until none do, so that no bite keeps other writes waiting for long.
    pub async fn purge(&self, older_than: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        // Only rows that are done with have the time when that was.
        let dated = [
            bite(Inbox::Table, [Inbox::Id, Inbox::DoneAt], older_than, limit),
            bite(
                Outbox::Table,
                [Outbox::Id, Outbox::DoneAt],
                older_than,
                limit,
            ),
            bite(Turns::Table, [Turns::Id, Turns::EndedAt], older_than, limit),
        ];
        // These are found by reading all of their table: once, when the others are done.
        let searched = [receipts(older_than, limit), jobs(older_than, limit)];
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let mut deleted = 0;
                    let mut is_full = false;
                    for bite in &dated {
                        let rows = execute(&mut *connection, bite).await?;
                        is_full |= rows >= limit.into();
                        deleted += rows;
                    }
                    for bite in searched.iter().filter(|_| !is_full) {
                        deleted += execute(&mut *connection, bite).await?;
                    }
                    Ok(deleted)
                })
            })
            .await
    }
}

fn bite<C: Iden + Copy>(
    table: C,
    [id, done_at]: [C; 2],
    older_than: DateTime<Utc>,
    limit: u32,
) -> DeleteStatement {
    let oldest = Query::select()
        .column(id)
        .from(table)
        .and_where(Expr::col(done_at).lt(millis(older_than)))
        .order_by(done_at, Order::Asc)
        .limit(limit.into())
        .take();
    Query::delete()
        .from_table(table)
        .and_where(Expr::col(id).in_subquery(oldest))
        .take()
}

fn receipts(older_than: DateTime<Utc>, limit: u32) -> DeleteStatement {
    let oldest = Query::select()
        .column(Occurrences::Id)
        .from(Occurrences::Table)
        .and_where(Expr::col(Occurrences::State).ne(word("running")))
        .and_where(Expr::col(Occurrences::RecordedAt).lt(millis(older_than)))
        .limit(limit.into())
        .take();
    Query::delete()
        .from_table(Occurrences::Table)
        .and_where(Expr::col(Occurrences::Id).in_subquery(oldest))
        .take()
}

fn jobs(older_than: DateTime<Utc>, limit: u32) -> DeleteStatement {
    let receipt = Query::select()
        .expr(Expr::val(1))
        .from(Occurrences::Table)
        .and_where(Expr::col(Occurrences::Job).equals((Jobs::Table, Jobs::Id)))
        .take();
    let oldest = Query::select()
        .column(Jobs::Id)
        .from(Jobs::Table)
        .and_where(Expr::col(Jobs::Status).is_in([word("completed"), word("cancelled")]))
        .and_where(Expr::col(Jobs::UpdatedAt).lt(millis(older_than)))
        .and_where(Expr::exists(receipt).not())
        .limit(limit.into())
        .take();
    Query::delete()
        .from_table(Jobs::Table)
        .and_where(Expr::col(Jobs::Id).in_subquery(oldest))
        .take()
}
