//! The audit log: each row carries a hash of itself and of the row before.

use futures::TryStreamExt;
use sea_query::{Expr, Order, Query};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::database::Database;
use super::iden::AuditLog;
use super::statement::{execute, fetch_optional, insert};
use super::values::millis;
use crate::core::audit::AuditEntry;
use crate::core::error::StoreResult;
use crate::core::ids::ChannelName;

/// Checks the audit log.
#[derive(Debug, Clone)]
pub struct SqliteAuditLog {
    database: Database,
}

impl SqliteAuditLog {
    /// The log of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The id of the first row that was changed, or before which a row is missing; `None` when
    /// the chain is whole. Rows cut off at the end leave no trace in the chain.
    pub async fn first_broken(&self) -> StoreResult<Option<i64>> {
        let mut rows = sqlx::query_as::<_, Row>("SELECT * FROM audit_log ORDER BY id")
            .fetch(self.database.reader());
        let mut previous = String::new();
        while let Some(row) = rows.try_next().await? {
            if row.previous_hash != previous || row.hash() != row.hash {
                return Ok(Some(row.id));
            }
            previous = row.hash;
        }
        Ok(None)
    }
}

/// A text's SHA-256, in hexadecimal digits.
pub(super) fn sha256_hex(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

/// Appends an entry to the chain.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    channel: &ChannelName,
    entry: &AuditEntry,
) -> StoreResult<()> {
    let newest = Query::select()
        .column(AuditLog::Hash)
        .from(AuditLog::Table)
        .order_by(AuditLog::Id, Order::Desc)
        .limit(1)
        .take();
    let newest: Option<(String,)> = fetch_optional(&mut *connection, &newest).await?;
    let mut row = Row {
        id: 0,
        at: millis(entry.at),
        channel: channel.as_str().into(),
        chat: entry.chat.as_str().into(),
        user: entry.user.as_str().into(),
        turn: Some(entry.turn.0),
        tool: entry.tool.clone(),
        arguments_hash: entry.arguments_hash.clone(),
        verdict: entry.verdict.clone(),
        outcome: entry.outcome.clone(),
        previous_hash: newest.map(|(hash,)| hash).unwrap_or_default(),
        hash: String::new(),
    };
    row.hash = row.hash();
    execute(connection, &row.insertion()).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    channel: String,
    chat: String,
    user: String,
    turn: Option<i64>,
    tool: String,
    arguments_hash: String,
    verdict: String,
    outcome: String,
    previous_hash: String,
    hash: String,
}

impl Row {
    /// The hash that the row must carry. Each field stands behind its length in bytes, so that
    /// no two rows make the same text.
    fn hash(&self) -> String {
        let at = self.at.to_string();
        let turn = self.turn.map(|turn| turn.to_string()).unwrap_or_default();
        let fields: [&str; 10] = [
            &self.previous_hash,
            &at,
            &self.channel,
            &self.chat,
            &self.user,
            &turn,
            &self.tool,
            &self.arguments_hash,
            &self.verdict,
            &self.outcome,
        ];
        let text: String = fields
            .iter()
            .map(|field| format!("{}:{field},", field.len()))
            .collect();
        sha256_hex(&text)
    }

    fn insertion(self) -> sea_query::InsertStatement {
        insert(
            AuditLog::Table,
            [
                (AuditLog::At, Expr::val(self.at)),
                (AuditLog::Channel, Expr::val(self.channel)),
                (AuditLog::Chat, Expr::val(self.chat)),
                (AuditLog::User, Expr::val(self.user)),
                (AuditLog::Turn, Expr::val(self.turn)),
                (AuditLog::Tool, Expr::val(self.tool)),
                (AuditLog::ArgumentsHash, Expr::val(self.arguments_hash)),
                (AuditLog::Verdict, Expr::val(self.verdict)),
                (AuditLog::Outcome, Expr::val(self.outcome)),
                (AuditLog::PreviousHash, Expr::val(self.previous_hash)),
                (AuditLog::Hash, Expr::val(self.hash)),
            ],
        )
    }
}
