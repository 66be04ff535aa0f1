//! What model calls cost: one row for each.

use chrono::{DateTime, Utc};
use sea_query::Expr;
use sqlx::SqliteConnection;

use super::iden::Usage;
use super::statement::{execute, insert};
use super::values::millis;
use crate::core::error::StoreResult;
use crate::core::ids::TurnId;
use crate::core::usage::UsageEntry;

/// Books the calls of a turn.
pub(super) async fn book(
    connection: &mut SqliteConnection,
    turn: TurnId,
    entries: &[UsageEntry],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    for entry in entries {
        let row = insert(
            Usage::Table,
            [
                (Usage::At, Expr::val(millis(now))),
                (Usage::Turn, Expr::val(turn.0)),
                (Usage::Provider, Expr::val(entry.provider.as_str())),
                (Usage::Model, Expr::val(entry.model.as_str())),
                (Usage::Input, Expr::val(count(entry.tokens.input))),
                (
                    Usage::CachedInput,
                    Expr::val(count(entry.tokens.cached_input)),
                ),
                (Usage::Output, Expr::val(count(entry.tokens.output))),
            ],
        );
        execute(connection, &row).await?;
    }
    Ok(())
}

/// A count as a column has it. Servers make the numbers, and not all of them are sane.
fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}
