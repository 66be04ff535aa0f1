//! Questions about calls, and what chats always allow.

mod answer;
mod row;
mod rules;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_query::Expr;
use sqlx::SqliteConnection;

pub(super) use self::answer::{answer, close_all};
pub(super) use self::rules::revoke;
use super::database::Database;
use super::iden::Approvals;
use super::statement::{execute, fetch_optional, insert, word};
use super::values::{self, millis};
use super::{audit, journal::TurnPlace};
use crate::core::approval::{
    AllowRule, Approval, ApprovalKey, ApprovalStore, Closing, NewApproval, RuleTarget,
};
use crate::core::audit::AuditEntry;
use crate::core::channel::ChatTarget;
use crate::core::error::StoreResult;
use crate::core::ids::{RuleId, TurnId};

/// Questions and rules in the database.
#[derive(Debug, Clone)]
pub struct SqliteApprovalStore {
    database: Database,
}

impl SqliteApprovalStore {
    /// Those of a database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ApprovalStore for SqliteApprovalStore {
    async fn get(&self, key: ApprovalKey) -> StoreResult<Option<Approval>> {
        let stored: Option<row::StoredApproval> =
            fetch_optional(self.database.reader(), &row::select(key)).await?;
        stored.map(Approval::try_from).transpose()
    }

    async fn close(
        &self,
        key: ApprovalKey,
        closing: Closing,
        now: DateTime<Utc>,
    ) -> StoreResult<Option<Approval>> {
        self.database
            .write(move |connection| Box::pin(answer::close(connection, key, closing, now)))
            .await
    }

    async fn find_rule(
        &self,
        chat: &ChatTarget,
        tool: &str,
        target: &RuleTarget,
    ) -> StoreResult<Option<RuleId>> {
        rules::find(self.database.reader(), chat, tool, target).await
    }

    async fn list_rules(&self, chat: &ChatTarget) -> StoreResult<Vec<AllowRule>> {
        rules::list(self.database.reader(), chat).await
    }
}

/// Writes a question, in the transaction of its card.
pub(super) async fn ask(
    connection: &mut SqliteConnection,
    place: &TurnPlace,
    question: NewApproval,
) -> StoreResult<()> {
    let (target, turn) = (&place.target, place.turn);
    let entry = AuditEntry {
        at: question.asked_at,
        chat: target.chat.clone(),
        user: question.person.clone(),
        turn: Some(turn),
        tool: question.tool.clone(),
        arguments_hash: question.arguments.hash.clone(),
        arguments: question.arguments.redacted.clone(),
        verdict: "ask".into(),
        rule: question.rule.clone(),
        outcome: "asked".into(),
    };
    let always = question.always.as_ref().map(values::to_json).transpose()?;
    let card = question.card.as_ref().map(values::to_json).transpose()?;
    let row = insert(
        Approvals::Table,
        [
            (Approvals::Turn, Expr::val(turn.0)),
            (Approvals::Number, Expr::val(question.number)),
            (Approvals::Channel, Expr::val(target.channel.as_str())),
            (Approvals::Chat, Expr::val(target.chat.as_str())),
            (Approvals::Thread, Expr::val(values::thread(target))),
            (Approvals::Person, Expr::val(question.person.as_str())),
            (Approvals::Tool, Expr::val(question.tool)),
            (
                Approvals::Fingerprint,
                Expr::val(question.fingerprint.as_str()),
            ),
            (Approvals::ArgumentsHash, Expr::val(question.arguments.hash)),
            (Approvals::Arguments, Expr::val(question.arguments.redacted)),
            (Approvals::Rule, Expr::val(question.rule)),
            (Approvals::Always, Expr::val(always)),
            (Approvals::Card, Expr::val(card)),
            (Approvals::State, word("waiting")),
            (Approvals::AskedAt, Expr::val(millis(question.asked_at))),
            (Approvals::ExpiresAt, Expr::val(millis(question.expires_at))),
        ],
    );
    execute(&mut *connection, &row).await?;
    audit::append(connection, &target.channel, &entry).await
}

/// Reads a question within a transaction.
async fn find(
    connection: &mut SqliteConnection,
    key: ApprovalKey,
) -> StoreResult<Option<row::StoredApproval>> {
    fetch_optional(connection, &row::select(key)).await
}

/// The questions of a turn that still wait.
async fn waiting(
    connection: &mut SqliteConnection,
    turn: TurnId,
) -> StoreResult<Vec<row::StoredApproval>> {
    super::statement::fetch_all(connection, &row::select_waiting(turn)).await
}
