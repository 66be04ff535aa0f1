//! What chats always allow.

use chrono::{DateTime, Utc};
use sea_query::{Condition, Expr, ExprTrait, OnConflict, Order, Query, SelectStatement};
use sqlx::{SqliteConnection, SqlitePool};

use super::super::audit;
use super::super::iden::ApprovalRules;
use super::super::statement::{execute, fetch_all, fetch_one, fetch_optional, in_row, insert};
use super::super::values::{self, millis};
use super::row::StoredApproval;
use crate::core::approval::{AllowRule, RuleTarget, name_in_log, sha256_hex};
use crate::core::audit::AuditEntry;
use crate::core::channel::ChatTarget;
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::{RuleId, UserId};

/// Stores a rule, and returns its id. One that is there already stays.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    asked: &StoredApproval,
    always: &RuleTarget,
    by: &UserId,
    now: DateTime<Utc>,
) -> StoreResult<RuleId> {
    let chat = asked.target();
    let mut row = insert(
        ApprovalRules::Table,
        [
            (ApprovalRules::Channel, Expr::val(chat.channel.as_str())),
            (ApprovalRules::Chat, Expr::val(chat.chat.as_str())),
            (ApprovalRules::Tool, Expr::val(asked.tool.as_str())),
            (ApprovalRules::Target, Expr::val(values::to_json(always)?)),
            (ApprovalRules::CreatedBy, Expr::val(by.as_str())),
            (ApprovalRules::CreatedAt, Expr::val(millis(now))),
        ],
    );
    let mut same = OnConflict::columns([
        ApprovalRules::Channel,
        ApprovalRules::Chat,
        ApprovalRules::Tool,
        ApprovalRules::Target,
    ]);
    row.on_conflict(same.do_nothing().to_owned());
    execute(&mut *connection, &row).await?;
    let (id,): (i64,) = fetch_one(connection, &covering(&chat, &asked.tool, always)?).await?;
    Ok(RuleId(id))
}

/// The rule that covers a call.
pub(super) async fn find(
    reader: &SqlitePool,
    chat: &ChatTarget,
    tool: &str,
    target: &RuleTarget,
) -> StoreResult<Option<RuleId>> {
    let row: Option<(i64,)> = fetch_optional(reader, &covering(chat, tool, target)?).await?;
    Ok(row.map(|(id,)| RuleId(id)))
}

fn covering(chat: &ChatTarget, tool: &str, target: &RuleTarget) -> StoreResult<SelectStatement> {
    Ok(Query::select()
        .column(ApprovalRules::Id)
        .from(ApprovalRules::Table)
        .cond_where(of(chat))
        .and_where(Expr::col(ApprovalRules::Tool).eq(tool))
        .and_where(Expr::col(ApprovalRules::Target).eq(values::to_json(target)?))
        .take())
}

/// The rules of a chat.
pub(super) async fn list(reader: &SqlitePool, chat: &ChatTarget) -> StoreResult<Vec<AllowRule>> {
    let rows: Vec<StoredRule> = fetch_all(reader, &select(of(chat))).await?;
    rows.into_iter().map(AllowRule::try_from).collect()
}

/// Takes a rule of this chat back, and writes that into the audit log.
pub(in super::super) async fn revoke(
    connection: &mut SqliteConnection,
    (chat, by): (&ChatTarget, &UserId),
    rule: RuleId,
    now: DateTime<Utc>,
) -> StoreResult<Option<AllowRule>> {
    let this = of(chat).add(Expr::col(ApprovalRules::Id).eq(rule.0));
    let row: Option<StoredRule> = fetch_optional(&mut *connection, &select(this.clone())).await?;
    let delete = Query::delete()
        .from_table(ApprovalRules::Table)
        .cond_where(this)
        .take();
    execute(&mut *connection, &delete).await?;
    if let Some(row) = &row {
        let entry = AuditEntry {
            at: now,
            chat: chat.chat.clone(),
            user: by.clone(),
            turn: None,
            tool: row.tool.clone(),
            // Of what it allowed: the row that kept it tells the rest, without secrets.
            arguments_hash: sha256_hex(&row.target),
            arguments: String::new(),
            verdict: "revoked".to_owned(),
            rule: name_in_log(rule),
            outcome: "revoked".to_owned(),
        };
        audit::append(connection, &chat.channel, &entry).await?;
    }
    row.map(AllowRule::try_from).transpose()
}

/// That a rule is of a chat, whatever the topic.
fn of(chat: &ChatTarget) -> Condition {
    Condition::all()
        .add(Expr::col(ApprovalRules::Channel).eq(chat.channel.as_str()))
        .add(Expr::col(ApprovalRules::Chat).eq(chat.chat.as_str()))
}

fn select(condition: Condition) -> SelectStatement {
    Query::select()
        .columns([
            ApprovalRules::Id,
            ApprovalRules::Tool,
            ApprovalRules::Target,
            ApprovalRules::CreatedAt,
        ])
        .from(ApprovalRules::Table)
        .cond_where(condition)
        .order_by(ApprovalRules::Id, Order::Asc)
        .take()
}

#[derive(sqlx::FromRow)]
struct StoredRule {
    id: i64,
    tool: String,
    target: String,
    created_at: i64,
}

impl TryFrom<StoredRule> for AllowRule {
    type Error = StoreError;

    fn try_from(row: StoredRule) -> StoreResult<Self> {
        let read = || {
            Ok(Self {
                id: RuleId(row.id),
                tool: row.tool.clone(),
                target: values::from_json(&row.target)?,
                created_at: values::moment(row.created_at)?,
            })
        };
        read().map_err(in_row("approval_rules", row.id))
    }
}
