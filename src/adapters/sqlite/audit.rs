//! The audit log: each row carries a hash of itself and of the row before.

use chrono::TimeDelta;
use futures::TryStreamExt;
use sea_query::{Condition, Expr, ExprTrait, Func, Order, Query};
use sqlx::SqliteConnection;

use super::database::Database;
use super::iden::AuditLog;
use super::statement::{execute, fetch_all, fetch_one, fetch_optional, insert};
use super::values::{millis, moment};
use crate::core::approval::sha256_hex;
use crate::core::audit::AuditEntry;
use crate::core::error::StoreResult;
use crate::core::ids::{ChannelName, ChatId, TurnId, UserId};

/// Answers of one person within a day that are kept though they do not count: whoever sees a card can
/// press it for ever, and the log is never cut.
const MOST_IGNORED: i64 = 32;

/// So many of the newest rows are looked at for them.
const LOOKED_AT: u64 = 512;

/// Reads and checks the audit log.
#[derive(Debug, Clone)]
pub struct SqliteAuditLog {
    database: Database,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this chat.
    pub chat: Option<String>,
    /// Of this tool.
    pub tool: Option<String>,
    /// The newest so many.
    pub limit: u32,
}

/// Entries, oldest first, each with its number.
pub type AuditPage = Vec<(i64, AuditEntry)>;

/// What is wrong with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// This row was changed, or one before it is missing.
    At(i64),
    /// The rows behind this one are missing; 0 where all are.
    After(i64),
}

impl SqliteAuditLog {
    /// The log of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The newest entries that fit.
    pub async fn list(&self, filter: &AuditFilter) -> StoreResult<AuditPage> {
        let chat = filter
            .chat
            .as_ref()
            .map(|chat| Expr::col(AuditLog::Chat).eq(chat.as_str()));
        let tool = filter
            .tool
            .as_ref()
            .map(|tool| Expr::col(AuditLog::Tool).eq(tool.as_str()));
        let select = Query::select()
            .column(sea_query::Asterisk)
            .from(AuditLog::Table)
            .cond_where(Condition::all().add_option(chat).add_option(tool))
            .order_by(AuditLog::Id, Order::Desc)
            .limit(filter.limit.into())
            .take();
        let rows: Vec<Row> = fetch_all(self.database.reader(), &select).await?;
        rows.into_iter().rev().map(Row::entry).collect()
    }

    /// What is wrong with the log; `None` when it is whole.
    pub async fn first_broken(&self) -> StoreResult<Option<Broken>> {
        let mut rows = sqlx::query_as::<_, Row>("SELECT * FROM audit_log ORDER BY id")
            .fetch(self.database.reader());
        let (mut previous, mut last) = (String::new(), 0);
        while let Some(row) = rows.try_next().await? {
            if row.previous_hash != previous || row.hash() != row.hash {
                return Ok(Some(Broken::At(row.id)));
            }
            (previous, last) = (row.hash, row.id);
        }
        // Rows cut off at the end leave no trace in the chain, but SQLite remembers the largest
        // number that it has given.
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'audit_log'")
                .fetch_optional(self.database.reader())
                .await?;
        Ok((newest.unwrap_or(0) > last).then_some(Broken::After(last)))
    }
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
        turn: entry.turn.map(|turn| turn.0),
        tool: entry.tool.clone(),
        arguments_hash: entry.arguments_hash.clone(),
        arguments: Some(entry.arguments.clone()),
        verdict: entry.verdict.clone(),
        rule: Some(entry.rule.clone()),
        outcome: entry.outcome.clone(),
        previous_hash: newest.map(|(hash,)| hash).unwrap_or_default(),
        hash: String::new(),
    };
    row.hash = row.hash();
    execute(connection, &row.insertion()).await?;
    Ok(())
}

/// Appends an answer that does not count, unless there are enough of that person. The last of them says
/// so.
pub(super) async fn append_ignored(
    connection: &mut SqliteConnection,
    channel: &ChannelName,
    mut entry: AuditEntry,
) -> StoreResult<()> {
    let newest = Query::select()
        .columns([
            AuditLog::At,
            AuditLog::Channel,
            AuditLog::User,
            AuditLog::Outcome,
        ])
        .from(AuditLog::Table)
        .order_by(AuditLog::Id, Order::Desc)
        .limit(LOOKED_AT)
        .take();
    let count = Query::select()
        .expr(Func::count(Expr::col(AuditLog::At)))
        .from_subquery(newest, "newest")
        .and_where(Expr::col(AuditLog::Channel).eq(channel.as_str()))
        .and_where(Expr::col(AuditLog::User).eq(entry.user.as_str()))
        .and_where(Expr::col(AuditLog::Outcome).eq(entry.outcome.as_str()))
        .and_where(Expr::col(AuditLog::At).gt(millis(entry.at - TimeDelta::days(1))))
        .take();
    let (before,): (i64,) = fetch_one(&mut *connection, &count).await?;
    match before + 1 {
        number if number > MOST_IGNORED => return Ok(()),
        MOST_IGNORED => entry.rule.push_str("; more of that day are not kept"),
        _ => {}
    }
    append(connection, channel, &entry).await
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
    /// Rows of earlier versions have neither arguments nor a rule.
    arguments: Option<String>,
    verdict: String,
    rule: Option<String>,
    outcome: String,
    previous_hash: String,
    hash: String,
}

impl Row {
    fn entry(self) -> StoreResult<(i64, AuditEntry)> {
        let entry = AuditEntry {
            at: moment(self.at)?,
            chat: ChatId::new(self.chat),
            user: UserId::new(self.user),
            turn: self.turn.map(TurnId),
            tool: self.tool,
            arguments_hash: self.arguments_hash,
            arguments: self.arguments.unwrap_or_default(),
            verdict: self.verdict,
            rule: self.rule.unwrap_or_default(),
            outcome: self.outcome,
        };
        Ok((self.id, entry))
    }

    /// The hash that the row must carry. Each field stands behind its length in bytes, so that
    /// no two rows make the same text.
    fn hash(&self) -> String {
        let at = self.at.to_string();
        let turn = self.turn.map(|turn| turn.to_string()).unwrap_or_default();
        let mut fields: Vec<&str> = vec![
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
        // With other fields of other number the text is another one: neither of these can be
        // added or taken away.
        fields.extend(self.arguments.as_deref());
        fields.extend(self.rule.as_deref());
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
                (AuditLog::Arguments, Expr::val(self.arguments)),
                (AuditLog::Verdict, Expr::val(self.verdict)),
                (AuditLog::Rule, Expr::val(self.rule)),
                (AuditLog::Outcome, Expr::val(self.outcome)),
                (AuditLog::PreviousHash, Expr::val(self.previous_hash)),
                (AuditLog::Hash, Expr::val(self.hash)),
            ],
        )
    }
}
